import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { hostProgram } from '../support/vm/host-program.ts';
import { TestVm } from '../support/vm/test-vm.ts';

/** None of them is loaded at boot. `macvtap` needs two of the others. */
const MODULES = ['dummy', 'macvtap', 'macvlan', 'tap'].map((name) => `kernel/drivers/net/${name}.ko.xz`);

/** What depmod writes for modprobe; the text form of the first is our builder's. */
const INDEXES = ['modules.dep.bin', 'modules.alias.bin', 'modules.symbols.bin'];

/** Some modules of a kernel with their indexes, by their path in the guest. */
function someModules(folder: string, from: string): Record<string, string> {
  const [release = ''] = readdirSync(from);
  const root = join('lib/modules', release);
  for (const path of [...MODULES, 'modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    mkdirSync(dirname(join(folder, root, path)), { recursive: true });
    cpSync(join(from, release, path), join(folder, root, path));
  }
  execFileSync('/sbin/depmod', ['-b', folder, release]);
  return Object.fromEntries([...MODULES, ...INDEXES].map((path) => [`${root}/${path}`, join(folder, root, path)]));
}

const packaged = findKernel('packaged');

describe.skipIf(packaged?.modules === undefined)('kernel modules that a sandbox asks for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-modules-'));
  let vm: TestVm;
  let client: AgentClient;

  beforeAll(async () => {
    const files = {
      ...hostProgram('/bin/kmod', 'sbin/modprobe'),
      ...someModules(folder, packaged?.modules ?? ''),
    };
    vm = await TestVm.boot({ kernel: 'packaged', hasWitness: true, files });
    client = await vm.connect();
  }, 240_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await vm[Symbol.asyncDispose]();
  });

  const createSandbox = (...modules: readonly (readonly [name: string, ...parameters: string[]])[]) =>
    client.call('CreateSandbox', {
      sandbox_id: 'pod',
      kernel_modules: modules.map(([name, ...parameters]) => ({ name, parameters })),
    });
  const loaded = async (): Promise<string[]> =>
    (await vm.witness('cut -d" " -f1 /proc/modules')).split('\n').filter((name) => /^(dummy|mac|tap)/.test(name));

  it('are not there: modprobe’s own words and its exit code are the error, and no later one is loaded', async () => {
    const missing = createSandbox(['nosuch', 'a=1'], ['dummy']);
    await expectStatus(
      missing,
      ['internal'],
      /modprobe -v -- nosuch a=1: exit code 1,.*nosuch not found in directory/s,
    );
    expect(await loaded()).toEqual([]);
  });

  it('do not take a parameter: the same, and the sandbox is not made', async () => {
    const refused = createSandbox(['dummy', 'numdummies=many']);
    await expectStatus(refused, ['internal'], /could not insert 'dummy': Invalid argument/);
    expect(await loaded()).toEqual([]);
  });

  it('are loaded in order, with their parameters and what they need', async () => {
    await createSandbox(['dummy', 'numdummies=3'], ['macvtap']);
    expect((await loaded()).sort()).toEqual(['dummy', 'macvlan', 'macvtap', 'tap']);
    expect(await vm.witness('ls /sys/class/net | grep dummy')).toBe('dummy0\ndummy1\ndummy2\n');
    expect(await vm.witness('grep ^macvlan /proc/modules')).toContain(' macvtap,');
    await vm.powerOff();
  });
});
