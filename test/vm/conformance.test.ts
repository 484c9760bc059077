/**
 * The sections of the conformance suite that need cgroup v2 with its controllers, and those whose answer depends on the kernel,
 * through `kihon-oci` in a guest. One boot serves them all.
 */
import { afterAll } from 'vitest';
import { GuestMachine } from '../conformance/support/guest-machine.ts';
import { commandLineTarget, useTarget } from '../conformance/support/target.ts';
import { OciRuntime } from '../support/oci-runtime.ts';

const RELEASE_MS = 60_000;

let booted: Promise<GuestMachine> | undefined;

useTarget({
  name: 'kihon-oci',
  isVm: true,
  start: async () => {
    booted ??= GuestMachine.start();
    const machine = await booted;
    return commandLineTarget(new OciRuntime('kihon-oci', machine, [machine.runtime]), async () => undefined);
  },
});

await import('../conformance/runtime/config-linux-cgroups-path.test.ts');
await import('../conformance/runtime/config-linux-cgroup-ownership.test.ts');
await import('../conformance/runtime/config-linux-allowed-device-list.test.ts');
await import('../conformance/runtime/config-linux-memory.test.ts');
await import('../conformance/runtime/config-linux-cpu.test.ts');
await import('../conformance/runtime/config-linux-block-io.test.ts');
await import('../conformance/runtime/config-linux-huge-page-limits.test.ts');
await import('../conformance/runtime/config-linux-network.test.ts');
await import('../conformance/runtime/config-linux-pids.test.ts');
await import('../conformance/runtime/config-linux-rdma.test.ts');
await import('../conformance/runtime/config-linux-unified.test.ts');
await import('../conformance/runtime/runtime-lifecycle.test.ts');
await import('../conformance/runtime/config-linux-default-filesystems.test.ts');
await import('../conformance/runtime/config-linux-masked-paths.test.ts');
await import('../conformance/runtime/config-linux-readonly-paths.test.ts');

afterAll(async () => {
  await (await booted)?.[Symbol.asyncDispose]();
}, RELEASE_MS);
