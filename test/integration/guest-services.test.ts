import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { within } from '../support/eventually.ts';
import { ITEMS, PLAIN } from '../support/metrics/contract-metrics.ts';
import { parseWithNpm } from '../support/metrics/parse-with-npm.ts';
import { parsePrometheus } from '../support/metrics/parse-prometheus.ts';

/** Nothing here may reach the kernel's clock, swap or random pool: this machine has only one of each (see test/vm). */
describe('the guest', () => {
  const fixture = useAgent({
    prepare: [
      'mkdir -p /run/volume && mount -t tmpfs -o size=1m,nr_inodes=100 tmpfs /run/volume',
      'head -c 409600 /dev/zero > /run/volume/data && mkfifo /run/fifo && mknod /run/null c 1 3',
    ].join('; '),
  });

  describe('GetVolumeStats', () => {
    const stats = (volume_guest_path: string) =>
      within(20_000, 'the answer', fixture.client.call('GetVolumeStats', { volume_guest_path }));

    it('tells bytes, then inodes, as the file system counts them', async () => {
      const { usage, volume_condition } = await stats('/run/volume');
      expect(usage).toEqual([
        expect.objectContaining({ total: 1_048_576n, used: 409_600n, available: 638_976n, unit: 1 }),
        expect.objectContaining({ total: 100n, used: 2n, available: 98n, unit: 2 }),
      ]);
      expect(volume_condition).toMatchObject({ message: 'OK' });
      expect(volume_condition?.abnormal ?? false).toBe(false);
      expect((await stats('/run/volume/data')).usage).toEqual(usage);
    });

    it('API-12: does not wait for a FIFO, nor wake a device', async () => {
      const [bytes] = (await stats('/run/fifo')).usage;
      expect(bytes?.total).toBeGreaterThan(0n);
      await stats('/run/null');
    });

    it('refuses what is not there and what is no path', async () => {
      await expectStatus(stats('/run/nothing'), 'internal', 'ENOENT', '/run/nothing');
      for (const path of ['', 'run/volume', '/run/../run', `/${'a'.repeat(5000)}`])
        await expectStatus(stats(path), 'invalid_argument', 'volume_guest_path');
    });
  });

  describe('ResizeVolume', () => {
    const resize = (volume_guest_path: string, size: bigint) =>
      fixture.client.call('ResizeVolume', { volume_guest_path, size });

    it('says which file system it cannot grow', async () => {
      await expectStatus(resize('/run/volume', 2n << 20n), 'unimplemented', 'tmpfs');
      await expectStatus(resize('/proc', 0n), 'unimplemented', 'proc');
    });

    it('refuses what is no volume', async () => {
      await expectStatus(resize('/run/nothing', 0n), 'internal', 'ENOENT');
      await expectStatus(resize('/run/fifo', 0n), 'internal', 'ENOTDIR');
      await expectStatus(resize('volume', 0n), 'invalid_argument', 'volume_guest_path');
    });
  });

  it('API-12: refuses a time that is none', async () => {
    for (const [Sec, Usec] of [
      [0n, -1n],
      [0n, 1_000_000n],
      [-1n, 0n],
      [-(2n ** 63n), 0n],
    ])
      await expectStatus(fixture.client.call('SetGuestDateTime', { Sec, Usec }), 'invalid_argument', /Sec|Usec/);
  });

  it('API-12: refuses no randomness', async () => {
    await expectStatus(fixture.client.call('ReseedRandomDev', {}), 'invalid_argument', 'data');
  });

  it('API-12: refuses swap without a place', async () => {
    await expectStatus(fixture.client.call('AddSwap', {}), 'invalid_argument', 'PCIPath');
    await expectStatus(fixture.client.call('AddSwap', { PCIPath: [32] }), 'invalid_argument', 'PCIPath');
    await expectStatus(fixture.client.call('AddSwap', { PCIPath: [2 ** 32 - 1] }), 'invalid_argument', 'PCIPath');
    for (const path of ['', 'swap', '/run/../swap'])
      await expectStatus(fixture.client.call('AddSwapPath', { path }), 'invalid_argument', 'path');
  });

  it('API-12: refuses a million memory addresses, and takes none', async () => {
    const memHotplugProbeAddr = Array<bigint>(100_000).fill(0n);
    await expectStatus(fixture.client.call('MemHotplugByProbe', { memHotplugProbeAddr }), 'invalid_argument');
    await fixture.client.call('MemHotplugByProbe', {});
  });

  describe('GetMetrics', () => {
    const scrape = async () => parsePrometheus((await fixture.client.call('GetMetrics', {})).metrics);

    it('holds every family of the contract with its items, and counts its scrapes', async () => {
      const first = await scrape();
      for (const name of PLAIN) expect(first.get(name)?.samples.size, name).toBe(1);
      for (const [name, items] of Object.entries(ITEMS)) {
        // Not every machine has a disk with a file system.
        if (/^kata_guest_(filesystem|disk)/.test(name) && !first.has(name)) continue;
        const found = new Set([...(first.get(name)?.samples.values() ?? [])].map(({ labels }) => labels.get('item')));
        if (items[0] === '*') expect(found.size).toBeGreaterThan(50);
        else expect([...found].sort(), name).toEqual([...items].sort());
      }
      const count = (families: typeof first) => families.get('kata_agent_scrape_count')?.samples.get('')?.value ?? 0;
      const second = await scrape();
      expect(count(second)).toBe(count(first) + 1);
    });

    it('are those of the agent and the guest', async () => {
      const families = await scrape();
      const value = (name: string, labels = '') => families.get(name)?.samples.get(labels)?.value ?? NaN;
      const status = execFileSync('cat', [`/proc/${fixture.agent.pid}/status`], { encoding: 'utf8' });
      const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      expect(Math.abs(value('kata_agent_total_rss') / 1024 - rssKb)).toBeLessThan(4096);
      expect(Math.abs(value('kata_agent_proc_status', '{item="vmrss"}') - rssKb)).toBeLessThan(4096);
      expect(value('kata_agent_threads')).toBe(1);
      const meminfo = execFileSync('cat', ['/proc/meminfo'], { encoding: 'utf8' });
      expect(value('kata_guest_meminfo', '{item="mem_total"}')).toBe(
        Number(/MemTotal:\s+(\d+)/.exec(meminfo)?.[1]) * 1024,
      );
      expect(value('kata_guest_tasks', '{item="max"}')).toBeGreaterThan(1);
    });

    it('are read alike by a parser from npm', async () => {
      const { metrics } = await fixture.client.call('GetMetrics', {});
      const ours = parsePrometheus(metrics);
      const theirs = parseWithNpm(metrics);
      expect(theirs.map(({ name }) => name)).toEqual([...ours.keys()]);
      for (const { name, type, help, metrics: samples } of theirs) {
        const family = ours.get(name);
        expect([type, help]).toEqual([family?.type.toUpperCase(), family?.help]);
        const values = samples.map(({ labels, value }) => [labels ?? {}, Number(value)]);
        const wanted = [...(family?.samples.values() ?? [])];
        expect(values).toEqual(wanted.map((sample) => [Object.fromEntries(sample.labels), sample.value]));
      }
    });

    it('answer many monitors at once', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, scrape));
      const counts = all.map((families) => families.get('kata_agent_scrape_count')?.samples.get('')?.value);
      expect(new Set(counts).size).toBe(20);
    });
  });
});
