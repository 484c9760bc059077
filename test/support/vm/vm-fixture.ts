import { afterAll, afterEach, beforeAll } from 'vitest';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { GUEST_SHARE } from '../../../host/sdk/volume.ts';
import { SHARE_TAG } from '../../../host/vm/virtual-machine.ts';
import { removeLeftContainers } from '../container/test-container.ts';
import { TestVm, type TestVmOptions } from './test-vm.ts';
import { VmStandingChecks } from './vm-standing-checks.ts';

/** Longest set-up and tear-down of a test file, in ms. */
const HOOK_MS = 240_000;

/** The storages that Kata's host sends with CreateSandbox. */
export const SANDBOX_STORAGES = [
  { driver: 'virtio-fs', source: SHARE_TAG, fstype: 'virtiofs', mount_point: GUEST_SHARE, options: [] },
  {
    driver: 'ephemeral',
    source: 'shm',
    fstype: 'tmpfs',
    options: ['noexec', 'nosuid', 'nodev', 'mode=1777', 'size=67108864'],
    mount_point: '/run/kata-containers/sandbox/shm',
  },
];

/** What the tests of one file share; valid inside tests. */
export interface VmFixture {
  readonly vm: TestVm;
  readonly client: AgentClient;
  /** Guest path of a busybox root file system that no test changes. */
  readonly root: string;
  /** Only with `hasWitness`. */
  readonly checks: VmStandingChecks;
}

/**
 * One VM with a sandbox for all tests of a file. When a test fails, the end of the guest's console is shown. With a witness the
 * standing checks are made after each test. In the end the sandbox is destroyed, and the VM must power itself off.
 */
export function useVm(options: TestVmOptions = {}): VmFixture {
  let vm: TestVm | undefined;
  let client: AgentClient | undefined;
  let checks: VmStandingChecks | undefined;

  beforeAll(async () => {
    vm = await TestVm.boot(options);
    client = await vm.connect();
    await client.check();
    await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname', storages: SANDBOX_STORAGES });
    if (options.hasWitness === true) checks = await VmStandingChecks.start(vm, client);
  }, HOOK_MS);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      vm?.showConsole(task.name);
      await removeLeftContainers();
    }
    try {
      await checks?.verify();
    } catch (error) {
      // What this test left is not the next one's fault.
      await checks?.rebase().catch(() => undefined);
      throw error;
    }
  }, HOOK_MS);

  afterAll(async () => {
    try {
      client?.close();
      await vm?.powerOff();
    } finally {
      await vm?.[Symbol.asyncDispose]();
    }
  }, HOOK_MS);

  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the VM is there only inside tests');
    return value;
  };
  return {
    get vm() {
      return need(vm);
    },
    get client() {
      return need(client);
    },
    get root() {
      return need(vm).root;
    },
    get checks() {
      return need(checks);
    },
  };
}
