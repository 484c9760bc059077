import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { processorTable } from '../support/vm/processor-table.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;

interface CpuSlot {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly 'qom-path'?: string;
}

const folder = mkdtempSync(join(tmpdir(), 'kihon-hotplug-'));
const table = join(folder, 'processors');
writeFileSync(table, processorTable(2));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a guest that grows (ACPI)', () => {
  const fixture = useVm({
    hasWitness: true,
    // The kernel is told of two, uses one, and the machine has one to start with: see processorTable.
    cpus: 2,
    kernelParameters: ['acpi_apic_instance=2', 'maxcpus=1'],
    config: {
      qemuArguments: [
        ...['-m', 'slots=4,maxmem=2G', '-smp', '1,maxcpus=2'],
        ...['-acpitable', `sig=APIC,rev=3,data=${table}`],
      ],
    },
  });
  const memoryKib = async (): Promise<number> =>
    Number(/MemTotal:\s+(\d+)/.exec(await fixture.vm.witness('cat /proc/meminfo'))?.[1]);
  const online = async (): Promise<string> => (await fixture.vm.witness('cat /sys/devices/system/cpu/online')).trim();

  it('uses a processor that was plugged in, also in a container that was promised it', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      linux: { Resources: { CPU: { Cpus: '0-1' } } },
      mounts: [{ destination: '/sys/fs/cgroup', source: 'cgroup', type: 'cgroup', options: ['ro'] }],
    });
    const effective = async (): Promise<string> =>
      (await container.execute('cat /sys/fs/cgroup/cpuset.cpus.effective')).stdout.trim();
    expect([await online(), await effective()]).toEqual(['0', '0']);
    const slots = (await fixture.vm.vm.qmp('query-hotpluggable-cpus')) as readonly CpuSlot[];
    const free = slots.find((slot) => slot['qom-path'] === undefined);
    expect(free).toBeDefined();
    await fixture.vm.vm.qmp('device_add', { driver: free?.type, id: 'cpu1', ...free?.props });
    await fixture.client.call('OnlineCPUMem', { wait: true, nb_cpus: 2, cpu_only: true });
    expect([await online(), await effective()]).toEqual(['0-1', '0-1']);
    expect((await container.execute('nproc')).stdout).toBe('2\n');
    // Again is fine, and the number is that of all processors.
    await fixture.client.call('OnlineCPUMem', { wait: false, nb_cpus: 2, cpu_only: true });
    await expectStatus(fixture.client.call('OnlineCPUMem', { nb_cpus: 3, cpu_only: true }), ['internal'], 'CPU');
  });

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
});
