import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { ITEMS, PLAIN } from '../support/metrics/contract-metrics.ts';
import { parsePrometheus } from '../support/metrics/parse-prometheus.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
const VOLUME = '/run/kata-containers/sandbox/storage/volume';
/** Where the disks are plugged in. */
const VOLUME_SLOT = 0x1d;
const SWAP_SLOT = 0x1e;
/** Long enough for a slow guest, and no part of what is promised. */
const DEADLINE_MS = 60_000;

/** Made before the VM, which opens them. */
const folder = mkdtempSync(join(tmpdir(), 'kihon-disks-'));

function makeDisk(name: string, mib: number, command: string, ...args: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, mib * MIB);
  execFileSync(command, [...args, path], { stdio: 'ignore' });
  return path;
}

function plug(id: string, path: string, slot: number): string[] {
  return [
    ...['-drive', `if=none,id=${id},file=${path},format=raw`],
    ...['-device', `virtio-blk-pci,drive=${id},addr=0x${slot.toString(16)}`],
  ];
}

describe('a guest with disks', () => {
  const fixture = useVm({
    kernelParameters: ['kihon.ptp'],
    config: {
      qemuArguments: [
        ...plug('volume', makeDisk('volume', 64, 'mkfs.ext4', '-q', '-F'), VOLUME_SLOT),
        ...plug('swap', makeDisk('swap', 32, 'mkswap'), SWAP_SLOT),
      ],
    },
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = async (
    script: string,
    mounts: Parameters<typeof TestContainer.run>[1]['mounts'] = [],
  ): Promise<string> => {
    const { stdout, stderr, status } = await TestContainer.run(fixture.client, {
      root: fixture.root,
      run: script,
      mounts,
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    return stdout.trim();
  };
  const call: (typeof fixture.client)['call'] = (...args) => fixture.client.call(...args);

  describe('has a clock', () => {
    it('that follows the host where the hypervisor shows one', () => {
      expect(fixture.vm.console).toMatch(/the clock follows the host|the hypervisor shows no clock/);
    });

    it('that SetGuestDateTime sets, and no deadline of the agent moves with it', async () => {
      const soon = expectStatus(call('GetOOMEvent', {}, { timeoutMs: 5000, graceMs: 60_000 }), 'deadline_exceeded');
      const end = new AbortController();
      let isWaiting = true;
      const late = call('GetOOMEvent', {}, { timeoutMs: 600_000, signal: end.signal }).then(
        () => undefined,
        () => (isWaiting = false),
      );
      const wanted = 1_000_000_000;
      for (const Sec of [4_102_444_800n, BigInt(wanted)]) {
        await call('SetGuestDateTime', { Sec, Usec: 999_999n });
        await fixture.client.check();
      }
      const now = Number(await run('date +%s'));
      expect(now).toBeGreaterThanOrEqual(wanted);
      expect(now).toBeLessThan(wanted + 120);
      await soon;
      expect(isWaiting).toBe(true);
      end.abort();
      await late;
    });

    it('API-12: that cannot be before its own start, nor after the end of its counter', async () => {
      for (const Sec of [0n, 1n, 2n ** 63n - 1n, 2n ** 34n])
        await expectStatus(call('SetGuestDateTime', { Sec, Usec: 0n }), 'invalid_argument', 'Sec');
      await fixture.client.check();
      await call('SetGuestDateTime', { Sec: BigInt(Math.floor(Date.now() / 1000)), Usec: 0n });
    });
  });

  it('API-12: takes randomness from the host, a little and 3 MiB', async () => {
    for (const bytes of [1, 512, 3 * MIB]) {
      await call('ReseedRandomDev', { data: Buffer.alloc(bytes, 'x') });
      expect(await run('head -c 16 /dev/urandom | wc -c')).toBe('16');
    }
  });

  it('says that its machine has no memory probe', async () => {
    const memHotplugProbeAddr = [0x1_0000_0000n, 0n];
    await expectStatus(call('MemHotplugByProbe', { memHotplugProbeAddr }), 'internal', 'memory at 0x100000000');
  });

  describe('has a volume', () => {
    const stats = async () => (await call('GetVolumeStats', { volume_guest_path: VOLUME })).usage[0]?.total ?? 0n;
    const resize = (size: number) => call('ResizeVolume', { volume_guest_path: VOLUME, size: BigInt(size) });

    it('that grows while a container writes to it', async () => {
      const storage = { driver: 'blk', source: VOLUME_SLOT.toString(16), fstype: 'ext4', mount_point: VOLUME };
      await call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname', storages: [storage] });
      const small = await stats();
      expect(small).toBeGreaterThan(40n * BigInt(MIB));
      expect(small).toBeLessThan(64n * BigInt(MIB));
      await expectStatus(resize(128 * MIB), 'invalid_argument', String(64 * MIB));
      await expectStatus(resize(16 * MIB), 'invalid_argument', 'shrink');
      // As large as it is.
      await resize(0);
      expect(await stats()).toBe(small);

      await using writer = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'cd /volume && i=0; while [ ! -e stop ]; do i=$((i+1)); echo $i > counter; sleep 0.05; done',
        mounts: [mount('/volume', VOLUME, 'bind', 'rbind', 'rw')],
      });
      await fixture.vm.vm.qmp('block_resize', { device: 'volume', size: 128 * MIB });
      await eventually(() => resize(96 * MIB), DEADLINE_MS);
      const medium = await stats();
      expect(medium).toBeGreaterThan(small + 25n * BigInt(MIB));
      await resize(0);
      expect(await stats()).toBeGreaterThan(medium + 25n * BigInt(MIB));
      const before = await writer.execute('cat /volume/counter');
      await eventually(async () => {
        expect(await writer.execute('cat /volume/counter')).not.toEqual(before);
      }, DEADLINE_MS);
      const big =
        'dd if=/dev/zero of=/volume/big bs=1M count=100 2>/dev/null && sync && rm /volume/big && touch /volume/stop';
      expect(await writer.execute(big)).toMatchObject({ status: 0 });
      expect(await writer.wait()).toBe(0);
    });

    it('whose numbers are in the metrics, with those of its disk', async () => {
      const families = parsePrometheus((await call('GetMetrics', {})).metrics);
      for (const name of [...PLAIN, ...Object.keys(ITEMS)]) expect([...families.keys()]).toContain(name);
      const total = [...(families.get('kata_guest_filesystem_bytes')?.samples.values() ?? [])].find(
        ({ labels }) => labels.get('mount') === VOLUME && labels.get('item') === 'total',
      );
      expect(total?.value).toBe(Number(await stats()));
      expect(total?.labels.get('device')).toMatch(/^vd[ab]$/);
      const disks = new Set(
        [...(families.get('kata_guest_diskstat')?.samples.values() ?? [])].map(({ labels }) => labels.get('disk')),
      );
      expect([...disks]).toEqual(expect.arrayContaining(['vda', 'vdb']));
    });
  });

  describe('has swap', () => {
    const swaps = async (): Promise<string[]> => (await run('cat /proc/swaps')).split('\n').slice(1);

    it('API-12: that is no FIFO, no character device, no folder, no disk without a header, and nothing that is not there', async () => {
      execFileSync('mkfifo', [join(fixture.vm.share, 'fifo')]);
      const inGuest = fixture.vm.guestPath('fifo');
      for (const path of ['/dev/null', '/dev/zero', '/run', '/run/nothing', '/proc/meminfo', inGuest])
        await expectStatus(call('AddSwapPath', { path }), 'internal', 'swapon');
      await expectStatus(call('AddSwap', { PCIPath: [VOLUME_SLOT] }), 'internal', 'swapon');
      await expectStatus(call('AddSwap', { PCIPath: [0x1c] }), 'internal', '1c.0');
      expect(await swaps()).toEqual([]);
    });

    it('on a disk that AddSwap finds by its slot, once', async () => {
      await call('AddSwap', { PCIPath: [SWAP_SLOT] });
      const [line = '', ...more] = await swaps();
      expect(line).toMatch(/^\/(dev\/)?vd[ab]\s+partition\s+32764/);
      expect(more).toEqual([]);
      await expectStatus(call('AddSwap', { PCIPath: [SWAP_SLOT] }), 'internal', 'EBUSY');
      const node = `/dev/${/vd[ab]/.exec(line)?.[0]}`;
      await expectStatus(call('AddSwapPath', { path: node }), 'internal', 'EBUSY');
    });
  });
});
