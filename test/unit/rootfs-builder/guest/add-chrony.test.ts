/** Time without the network: a guest with systemd takes it from /dev/ptp0, which needs KVM to try. This is what its image must have for it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFIGURATIONS } from '../../../../kernel-config/src/configurations.ts';
import { loadFragments } from '../../../../kernel-config/src/fragment/load-fragments.ts';
import { addChrony } from '../../../../rootfs-builder/src/guest/add-chrony.ts';
import { AGENT_TARGET } from '../../../../rootfs-builder/src/guest/systemd-units.ts';
import { parseRecipe } from '../../../../rootfs-builder/src/recipe/parse-recipe.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { readText } from '../../../../rootfs-builder/src/tree/read-text.ts';
import { repository } from '../../../support/repository.ts';

const CONFIGURATION = `pool 2.example.invalid iburst
server ntp.example.invalid
peer other.example.invalid
#pool commented.invalid
sourcedir /etc/chrony/sources.d
driftfile /var/lib/chrony/drift`;

const UNIT = `[Unit]
Description=chrony

[Service]
Type=forking
User=_chrony
ExecStart=!/usr/sbin/chronyd -u chrony-user -F 1 $OPTIONS
ReadWritePaths=/run /var/lib/chrony /var/log
BindPaths=-/var/lib/chrony /run
StateDirectory=chrony
StateDirectoryMode=0750
LogsDirectory=chrony

[Install]
Alias=chronyd.service
`;

describe('chrony in a guest', () => {
  it.each([
    ['etc/chrony/chrony.conf', 'usr/lib/systemd/system/chrony.service', true],
    ['etc/chrony/chrony.conf', 'lib/systemd/system/chrony.service', false],
    ['etc/chrony.conf', 'usr/lib/systemd/system/chronyd.service', true],
  ])('takes the time from the host and from no server: %s, %s', async (configuration, unit, isMerged) => {
    const tree = new FileTree().file(configuration, CONFIGURATION).file(unit, UNIT);
    if (isMerged) tree.symlink('lib', 'usr/lib');
    await addChrony(tree);
    await addChrony(tree); // a tree that was treated before stays
    expect(await readText(tree, configuration)).toBe(`# pool 2.example.invalid iburst
# server ntp.example.invalid
# peer other.example.invalid
#pool commented.invalid
sourcedir /etc/chrony/sources.d
driftfile /var/lib/chrony/drift
refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0
makestep 1 -1
`);
    // It starts where there is such a clock, as whoever it is started by, and without a folder on the read-only root.
    expect(await readText(tree, unit)).toBe(`[Unit]
ConditionPathExists=/dev/ptp0
Description=chrony

[Service]
Type=forking
ExecStart=!/usr/sbin/chronyd -F 1 $OPTIONS
ReadWritePaths=/run -/var/lib/chrony /var/log
BindPaths=-/var/lib/chrony /run
StateDirectoryMode=0750

[Install]
Alias=chronyd.service
`);
  });

  it('is not added where it is not installed', async () => {
    const tree = new FileTree().file('etc/hostname', 'guest');
    await addChrony(tree);
    expect(tree.entries().map(({ path }) => path)).toEqual(
      new FileTree()
        .file('etc/hostname', '')
        .entries()
        .map(({ path }) => path),
    );
  });

  it('is installed by the recipe with systemd, and started by the target of the guest', () => {
    const path = join(repository, 'rootfs-builder/recipes/debian.toml');
    const { base, agent } = parseRecipe(readFileSync(path, 'utf8'), path, 'x86_64');
    expect(base.packages).toContain('chrony');
    expect(agent.chrony).not.toBe(false);
    expect(AGENT_TARGET).toMatch(/^Wants=.*\bchronyd\.service\b/m);
  });
});

it.each(
  CONFIGURATIONS.flatMap(({ name, fragments }) =>
    ['x86_64', 'aarch64'].map((each) => [name, each, fragments] as const),
  ),
)('the kernel %s for %s has /dev/ptp0', async (_name, architecture, fragments) => {
  const requested = await loadFragments(fragments, architecture);
  const values = ['PTP_1588_CLOCK', 'PTP_1588_CLOCK_KVM'].map((symbol) => requested.get(symbol)?.value);
  expect(values).toEqual(['y', 'y']);
});
