import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { products } from '../support/repository.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** ACPI tells of memory only to the kernel of the kata profile. */
const KERNEL = join(products, 'vmlinuz-kata');
const MIB = 1 << 20;

describe.skipIf(!existsSync(KERNEL))(
  'a guest that grows (ACPI, kernel of the kata profile)',
  { timeout: 60_000 },
  () => {
    const fixture = useVm({
      hasWitness: true,
      // The kernel is told of two (nr_cpus), the machine starts with one.
      cpus: 2,
      config: { kernel: KERNEL, qemuArguments: ['-m', 'slots=4,maxmem=2G'] },
    });
    const memoryKib = async (): Promise<number> =>
      Number(/MemTotal:\s+(\d+)/.exec(await fixture.vm.witness('cat /proc/meminfo'))?.[1]);

    it('uses memory that was plugged in', async () => {
      const before = await memoryKib();
      const size = 256 * MIB;
      const memory = { 'qom-type': 'memory-backend-memfd', id: 'more', size, share: true };
      await fixture.vm.vm.qmp('object-add', memory);
      await fixture.vm.vm.qmp('device_add', { driver: 'pc-dimm', id: 'dimm1', memdev: 'more' });
      await eventually(async () => {
        await fixture.client.call('OnlineCPUMem', { wait: false, nb_cpus: 0, cpu_only: false });
        expect(await memoryKib()).toBeGreaterThan(before + 200 * 1024);
      });
      const container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2>/dev/null && echo took it',
      });
      expect((await container.finish()).stdout).toBe('took it\n');
      // File systems in memory write down what their limits were.
      await container.remove();
      await fixture.checks.rebase();
    });

    it('tells that memory cannot be probed for on a machine with ACPI', async () => {
      const details = await fixture.client.call('GetGuestDetails', { mem_block_size: true, mem_hotplug_probe: true });
      expect(details).toMatchObject({ mem_block_size_bytes: 128n * BigInt(MIB), support_mem_hotplug_probe: false });
      const probe = fixture.client.call('MemHotplugByProbe', { memHotplugProbeAddr: [0x1_0000_0000n] });
      await expectStatus(probe, ['internal'], 'probe');
    });
  },
);
