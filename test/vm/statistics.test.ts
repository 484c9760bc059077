import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { HUGE_PAGE_BYTES, hugePages } from '../support/vm/huge-pages.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
const UNLIMITED = (1n << 64n) - 1n;
const VOLUME = '/run/kata-containers/sandbox/ephemeral/huge';

/** Everything that a statistic may come from, with what swap and huge pages add. */
const FILES = [
  ...['cpu.stat', 'io.stat', 'memory.current', 'memory.max', 'memory.peak', 'memory.stat', 'memory.swap.current'],
  ...['memory.swap.events', 'memory.swap.max', 'memory.swap.peak', 'pids.current', 'pids.max'],
  ...['hugetlb.2MB.current', 'hugetlb.2MB.events'],
];

/** Burns its share of the processor, writes to the disk past the cache, and has files in memory and children. */
const LOAD = `
  dd if=/dev/zero of=/run/huge-cache bs=1M count=8 2>/dev/null
  fallocate -l ${2 * HUGE_PAGE_BYTES} /huge/file
  sleep 600 & sleep 600 &
  echo ready
  while :; do
    dd if=/dev/disk of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null
    dd if=/dev/zero of=/dev/disk bs=64k count=4 oflag=direct 2>/dev/null
  done`;

/** The files of a cgroup by their names; '' for one that this kernel has not. */
type Files = ReadonlyMap<string, string>;
type Stats = NonNullable<Awaited<ReturnType<TestContainer['stats']>>>;

const keyed = (files: Files, file: string, key: string): bigint => {
  const line = (files.get(file) ?? '').split('\n').find((each) => each.startsWith(`${key} `));
  return BigInt(line?.slice(key.length + 1) ?? '0');
};

/** A file with one number. */
const number = (files: Files, file: string, whenMax: bigint): bigint => {
  const text = (files.get(file) ?? '').trim();
  return text === 'max' ? whenMax : BigInt(text === '' ? '0' : text);
};

/** `253:0 write` to the count, of each line of io.stat. */
const ioEntries = (files: Files): [string, bigint][] =>
  (files.get('io.stat') ?? '').split('\n').flatMap((line) => {
    const [device = '', ...counters] = line.trim().split(' ');
    return counters.map((counter): [string, bigint] => {
      const [name = '', value = ''] = counter.split('=');
      return [`${device} ${name === 'rbytes' ? 'read' : name === 'wbytes' ? 'write' : name}`, BigInt(value)];
    });
  });

/** What only grows, by its name in the message. Times are in microseconds here and in nanoseconds there. */
function growing(files: Files): Record<string, bigint> {
  const time = (key: string): bigint => keyed(files, 'cpu.stat', key) * 1000n;
  return {
    total_usage: time('usage_usec'),
    usage_in_usermode: time('user_usec'),
    usage_in_kernelmode: time('system_usec'),
    periods: keyed(files, 'cpu.stat', 'nr_periods'),
    throttled_periods: keyed(files, 'cpu.stat', 'nr_throttled'),
    throttled_time: time('throttled_usec'),
    pgfault: keyed(files, 'memory.stat', 'pgfault'),
    max_usage: number(files, 'memory.peak', 0n),
    ...Object.fromEntries(ioEntries(files)),
  };
}

/** The same of the answer. */
function answered({ cpu_stats, memory_stats, blkio_stats }: Stats): Record<string, bigint | undefined> {
  const { total_usage, usage_in_usermode, usage_in_kernelmode } = cpu_stats?.cpu_usage ?? {};
  const { periods, throttled_periods, throttled_time } = cpu_stats?.throttling_data ?? {};
  return {
    ...{ total_usage, usage_in_usermode, usage_in_kernelmode, periods, throttled_periods, throttled_time },
    pgfault: memory_stats?.stats.get('pgfault'),
    max_usage: memory_stats?.usage?.max_usage,
    ...Object.fromEntries(
      (blkio_stats?.io_service_bytes_recursive ?? []).map(({ major, minor, op, value }) => [
        `${major}:${minor} ${op}`,
        value,
      ]),
    ),
  };
}

describe('statistics of a container under load', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-statistics-'));
  writeFileSync(join(folder, 'disk'), Buffer.alloc(4 * MIB));
  const disk = `driver=file,node-name=disk,filename=${join(folder, 'disk')},locking=off`;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const fixture = useVm({
    hasWitness: true,
    config: { qemuArguments: ['-blockdev', disk, '-device', 'virtio-blk-pci,drive=disk,addr=0x10'] },
  });
  let container: TestContainer;
  let cgroup = '';

  beforeAll(async () => {
    container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: LOAD,
      mounts: [mount('/huge', VOLUME, 'bind', 'rbind', 'rw')],
      linux: {
        Devices: [{ Path: '/dev/disk', Type: 'b', Major: 8n, Minor: 0n, FileMode: 0o660 }],
        Resources: {
          CPU: { Quota: 20_000n, Period: 100_000n },
          Memory: { Limit: BigInt(64 * MIB), Swap: BigInt(64 * MIB) },
          Pids: { Limit: 40n },
        },
      },
      request: {
        storages: [hugePages(VOLUME, 4)],
        devices: [{ type: 'blk', id: '10', container_path: '/dev/disk' }],
      },
    });
    await container.readUntil('ready');
    cgroup = (await fixture.vm.witness(`find /sys/fs/cgroup -type d -name '${container.id}'`)).trim();
    // The container, its volume and the socket for events belong to these tests.
    await fixture.checks.rebase();
  }, 240_000);

  const read = async (): Promise<Files> => {
    const text = await fixture.vm.witness(
      `cd ${cgroup} && for f in ${FILES.join(' ')}; do echo "== $f"; cat $f 2>/dev/null; done; true`,
    );
    const parts = text.split(/^== /m).slice(1);
    return new Map(
      parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const),
    );
  };
  const stats = async (): Promise<Stats> => {
    const found = await container.stats();
    if (found === undefined) throw new Error('no statistics');
    return found;
  };

  it('grow as the cgroup’s own files do: processor, throttling, faults, disk', async () => {
    // Until each of them has something to tell.
    await eventually(async () => {
      const files = growing(await read());
      expect(files['throttled_time']).toBeGreaterThan(0n);
      expect(Object.keys(files).filter((name) => name.endsWith(' write'))).toHaveLength(1);
    });
    const [before, between, after] = [growing(await read()), answered(await stats()), growing(await read())];
    expect(Object.keys(between).sort()).toEqual(Object.keys(before).sort());
    for (const [name, value] of Object.entries(before)) {
      expect(between[name], name).toBeGreaterThanOrEqual(value);
      expect(between[name], name).toBeLessThanOrEqual(after[name] ?? 0n);
    }
    expect(after['total_usage']).toBeGreaterThan(before['total_usage'] ?? 0n);
  });

  it('are those of the files, field by field, while nothing moves', async () => {
    await container.pause();
    await eventually(async () => {
      const files = await read();
      const { cpu_stats, memory_stats, pids_stats, blkio_stats, hugetlb_stats } = await stats();
      // Kernel threads still count for it for a moment: a look at things that moved proves nothing.
      expect(await read()).toEqual(files);
      const { cpu_usage, throttling_data } = cpu_stats ?? {};
      const grown = growing(files);
      expect({ ...cpu_usage, ...throttling_data }).toMatchObject({
        total_usage: grown['total_usage'],
        usage_in_usermode: grown['usage_in_usermode'],
        usage_in_kernelmode: grown['usage_in_kernelmode'],
        periods: grown['periods'],
        throttled_periods: grown['throttled_periods'],
        throttled_time: grown['throttled_time'],
      });
      expect(memory_stats?.usage).toMatchObject({
        usage: number(files, 'memory.current', 0n),
        max_usage: number(files, 'memory.peak', 0n),
        failcnt: 0n,
        limit: BigInt(64 * MIB),
      });
      expect(memory_stats?.swap_usage).toMatchObject({
        usage: number(files, 'memory.swap.current', 0n),
        max_usage: number(files, 'memory.swap.peak', 0n),
        failcnt: keyed(files, 'memory.swap.events', 'fail'),
        limit: number(files, 'memory.swap.max', 0n),
      });
      expect(memory_stats?.kernel_usage).toMatchObject({ usage: 0n, max_usage: 0n, failcnt: 0n, limit: UNLIMITED });
      expect(memory_stats?.cache).toBe(keyed(files, 'memory.stat', 'file'));
      expect(memory_stats?.cache).toBeGreaterThanOrEqual(BigInt(8 * MIB));
      expect(memory_stats?.use_hierarchy).toBe(false);
      const lines = (files.get('memory.stat') ?? '').trim().split('\n');
      expect(lines.length).toBeGreaterThan(20);
      expect(Object.fromEntries(memory_stats?.stats ?? [])).toEqual(
        Object.fromEntries(lines.map((line) => line.split(' ')).map(([key = '', value = '']) => [key, BigInt(value)])),
      );
      // The shell, its dd or none, and two that sleep.
      expect(pids_stats).toMatchObject({ current: number(files, 'pids.current', 0n), limit: 40n });
      expect(pids_stats?.current).toBeGreaterThanOrEqual(3n);
      const { io_service_bytes_recursive: entries = [], ...otherIo } = blkio_stats ?? {};
      expect(
        Object.fromEntries(entries.map(({ major, minor, op, value }) => [`${major}:${minor} ${op}`, value])),
      ).toEqual(Object.fromEntries(ioEntries(files)));
      for (const list of Object.values(otherIo)) expect(list).toEqual([]);
      expect(hugetlb_stats.get('2MB')).toMatchObject({
        usage: BigInt(2 * HUGE_PAGE_BYTES),
        max_usage: 0n,
        failcnt: keyed(files, 'hugetlb.2MB.events', 'max'),
      });
      expect(number(files, 'hugetlb.2MB.current', 0n)).toBe(BigInt(2 * HUGE_PAGE_BYTES));
    }, 30_000);
    await container.resume();
    await container.remove();
    await fixture.checks.rebase();
  });
});
