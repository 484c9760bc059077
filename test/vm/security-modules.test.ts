import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { compileAppArmorProfile, PROFILE } from '../support/security/apparmor-profile.ts';
import {
  BOX_LABEL,
  compileSelinuxPolicy,
  DATA_LABEL,
  FORBIDDEN_LABEL,
  OTHER_BOX_LABEL,
} from '../support/security/selinux-policy.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { SANDBOX_STORAGES } from '../support/vm/vm-fixture.ts';

const EACCES = 13;
/** The kernel ends a label with a zero byte. */
const own = 'tr -d "\\000" </proc/self/attr/current; echo';
const label = (text: string) => ({ process: { SelinuxLabel: text } });
const profile = (name: string) => ({ process: { ApparmorProfile: name } });
const kernel = findKernel('packaged');

interface Guest {
  readonly vm: TestVm;
  readonly client: AgentClient;
}

/** A guest of Debian's kernel, which has both modules, after `load` was run in it. */
function useGuest(compile: (folder: string) => string, load: string, kernelParameters: readonly string[]): () => Guest {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-policy-'));
  let vm: TestVm | undefined;
  let guest: Guest | undefined;

  beforeAll(async () => {
    const files = { policy: compile(folder) };
    vm = await TestVm.boot({ kernel: 'packaged', hasWitness: true, files, kernelParameters });
    guest = { vm, client: await vm.connect() };
    await guest.client.call('CreateSandbox', { sandbox_id: 'pod', storages: SANDBOX_STORAGES });
    await vm.witness(`set -e; ${load}`);
  }, 240_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await vm?.[Symbol.asyncDispose]();
  }, 120_000);

  return () => {
    if (guest === undefined) throw new Error('the guest is there only inside tests');
    return guest;
  };
}

describe.skipIf(kernel === undefined)('AppArmor', { timeout: 120_000 }, () => {
  const guest = useGuest(
    compileAppArmorProfile,
    'mount -t securityfs none /sys/kernel/security; dd if=/policy of=/sys/kernel/security/apparmor/.load bs=1M',
    [],
  );
  const current = 'cat /proc/self/attr/apparmor/current';
  const read = 'echo hidden >/secret && cat /secret';

  it('confines a container and its execs by the profile that it names', async () => {
    const { client, vm } = guest();
    await using container = await TestContainer.start(client, { root: vm.root, ...profile(PROFILE) });
    const confined = { stdout: `${PROFILE} (enforce)\n`, status: 1 };
    // Kata's host leaves the profile of an exec out.
    expect(await container.execute(`${current}; ${read}`)).toMatchObject(confined);
    expect(await container.execute(`${current}; ${read}`, profile(PROFILE))).toMatchObject(confined);
    await container.killAll();
    const options = { root: vm.root, run: `${current}; ${read}`, ...profile(PROFILE) };
    expect(await TestContainer.run(client, options)).toMatchObject(confined);
  });

  it('leaves one without a profile, or with the name for none, unconfined', async () => {
    const { client, vm } = guest();
    for (const name of ['', 'unconfined']) {
      const options = { root: vm.root, run: `${current}; ${read}`, ...profile(name) };
      expect(await TestContainer.run(client, options)).toMatchObject({ stdout: 'unconfined\nhidden\n', status: 0 });
    }
  });

  it('PRV-09: a profile that was never loaded fails the create, and the exec', async () => {
    const { client, vm } = guest();
    await expect(TestContainer.create(client, { root: vm.root, ...profile('nosuch') })).rejects.toThrow(
      /process\.apparmorProfile "nosuch".*ENOENT/,
    );
    await using container = await TestContainer.start(client, { root: vm.root });
    await expect(container.execute(current, profile('nosuch'))).rejects.toThrow(/apparmorProfile "nosuch".*ENOENT/);
  });
});

describe.skipIf(kernel === undefined)('SELinux', { timeout: 120_000 }, () => {
  const guest = useGuest(
    compileSelinuxPolicy,
    'mount -t selinuxfs none /sys/fs/selinux; dd if=/policy of=/sys/fs/selinux/load bs=1M; echo 1 >/sys/fs/selinux/enforce',
    ['security=selinux'],
  );

  it('gives a container and its execs its label', async () => {
    const { client, vm } = guest();
    await using container = await TestContainer.start(client, { root: vm.root, ...label(BOX_LABEL) });
    expect(await container.execute(own)).toMatchObject({ stdout: `${BOX_LABEL}\n` });
    expect(await container.execute(own, label(OTHER_BOX_LABEL))).toMatchObject({ stdout: `${OTHER_BOX_LABEL}\n` });
    await container.killAll();
    const options = { root: vm.root, run: own, ...label(BOX_LABEL) };
    expect(await TestContainer.run(client, options)).toMatchObject({ stdout: `${BOX_LABEL}\n`, status: 0 });
  });

  it('labels every file system that is new, what hides folders and message queues included', async () => {
    const { client, vm } = guest();
    const { stdout } = await TestContainer.run(client, {
      root: vm.root,
      run: 'while read -r _ where type options _; do echo "$where $type $options"; done </proc/self/mounts; ls -dZ /dev/mqueue',
      linux: { MountLabel: DATA_LABEL },
    });
    const lines = stdout.trim().split('\n');
    const of = (type: string): string[] => lines.filter((line) => line.split(' ')[1] === type);
    for (const type of ['tmpfs', 'devpts']) {
      expect(of(type).length, stdout).toBeGreaterThan(0);
      for (const line of of(type)) expect(line).toContain(`context=${DATA_LABEL}`);
    }
    expect(
      lines.some((line) => line.startsWith('/proc/acpi tmpfs')),
      stdout,
    ).toBe(true);
    for (const line of of('proc').concat(of('sysfs'))) expect(line).not.toContain('context=');
    expect(lines.at(-1)).toContain(DATA_LABEL);
  });

  it('PRV-09: a label that the policy does not have fails the create, and the exec', async () => {
    const { client, vm } = guest();
    const nosuch = label('guest_u:guest_r:nosuch_t:s0');
    await expect(TestContainer.create(client, { root: vm.root, ...nosuch })).rejects.toThrow(/nosuch_t.*EINVAL/);
    const mount = { linux: { MountLabel: 'guest_u:object_r:nosuch_t:s0' } };
    await expect(TestContainer.create(client, { root: vm.root, ...mount })).rejects.toThrow(/EINVAL/);
    await using container = await TestContainer.start(client, { root: vm.root });
    await expect(container.execute(own, nosuch)).rejects.toThrow(/nosuch_t.*EINVAL/);
  });

  it('PRV-09: one that the policy lets nobody change to never runs', async () => {
    const { client, vm } = guest();
    const options = { root: vm.root, run: own, process: { SelinuxLabel: FORBIDDEN_LABEL, NoNewPrivileges: false } };
    expect(await TestContainer.run(client, options)).toMatchObject({ stdout: '', status: EACCES });
  });
});
