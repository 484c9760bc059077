import { describe, expect, it } from 'vitest';
import { collectMetrics } from '../../../../agent/src/guest/metrics/collect-metrics.ts';
import { ITEMS, LABELS, PLAIN } from '../../../support/metrics/contract-metrics.ts';
import { parsePrometheus, type ParsedFamily } from '../../../support/metrics/parse-prometheus.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const numbers = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, index) => first + index).join(' ');

/** A small guest: every number is another one. */
const PROC = {
  '/proc/self/stat': `7 (odd ) name) S 1 2 3 4 5 6 7 8 9 10 250 150 30 20 20 0 5 0 100 1048576 512 99 0 0`,
  '/proc/self/status': [
    'Name:\tkihon',
    'VmPeak:\t    2048 kB',
    'VmRSS:\t    1024 kB',
    'voluntary_ctxt_switches:\t17',
    'Seccomp:\t0',
  ].join('\n'),
  '/proc/self/io':
    'rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 18446744073709551615\n',
  '/proc/loadavg': '0.05 1.00 12.34 2/345 6789\n',
  '/proc/stat': `cpu  ${numbers(10)}\ncpu0 ${numbers(10, 11)}\ncpu3 ${numbers(8, 21)}\nintr 1 2 3\n`,
  '/proc/vmstat': 'nr_free_pages 123\npgfault 9007199254740993\n',
  '/proc/net/dev': `Inter-|   Receive  |  Transmit\n face |bytes    packets\n    lo: ${numbers(16)}\n  eth0:${numbers(16, 17)}\n`,
  '/proc/diskstats': ` 253       0 vda ${numbers(17)}\n 253       1 vda1 ${numbers(11, 21)}\n`,
  '/proc/meminfo':
    'MemTotal:         1000 kB\nActive(anon):       3 kB\nHugePages_Total:       4\nHugepagesize:       2048 kB\n',
  '/proc/self/mountinfo': [
    '20 1 253:0 / / rw - ext4 /dev/vda rw',
    '21 1 253:0 /sub /again rw - ext4 /dev/vda rw',
    '22 1 253:1 / /read-only ro - ext4 /dev/vdb ro,errors=continue',
    '23 1 0:30 / /run rw - tmpfs tmpfs rw',
    String.raw`24 1 0:31 / /a"b\134c\040d rw - overlay none rw`,
  ].join('\n'),
};

async function collect(
  change: Readonly<Record<string, string | undefined>> = {},
): Promise<{ families: Map<string, ParsedFamily>; failures: string[] }> {
  const files = new FakeKernelFiles();
  const proc: Readonly<Record<string, string | undefined>> = { ...PROC, ...change };
  for (const [path, text] of Object.entries(proc)) if (text !== undefined) files.files.set(path, text);
  const failures: string[] = [];
  const text = await collectMetrics(
    {
      files,
      units: { ticksPerSecond: 100, pageBytes: 4096 },
      measure: async (paths) => paths.map(() => ['4096', '100', '40', '50', '20']),
      onFailure: (source) => failures.push(source),
    },
    3,
  );
  return { families: parsePrometheus(text), failures };
}

const value = (families: Map<string, ParsedFamily>, name: string, labels = ''): number | undefined =>
  families.get(name)?.samples.get(labels)?.value;

describe('the metrics of a guest', () => {
  it.each(PLAIN)('hold %s, without labels', async (name) => {
    const { families } = await collect();
    expect([...(families.get(name)?.samples.keys() ?? [])]).toEqual(['']);
    expect(families.get(name)?.type).toBe(name === 'kata_agent_scrape_count' ? 'counter' : 'gauge');
  });

  it.each(Object.entries(ITEMS))('hold %s with every item of the contract', async (name, items) => {
    const { families } = await collect();
    const family = families.get(name);
    expect(family?.type).toBe('gauge');
    const samples = [...(family?.samples.values() ?? [])];
    for (const { labels } of samples) expect([...labels.keys()]).toEqual(LABELS[name] ?? ['item']);
    const found = new Set(samples.map(({ labels }) => labels.get('item')));
    expect([...found].sort()).toEqual(items[0] === '*' ? ['nr_free_pages', 'pgfault'] : [...items].sort());
  });

  it('hold nothing else', async () => {
    const { families, failures } = await collect();
    expect([...families.keys()].sort()).toEqual([...PLAIN, ...Object.keys(ITEMS)].sort());
    expect(failures).toEqual([]);
  });

  it.each([
    ['kata_agent_scrape_count', '', 3],
    ['kata_agent_threads', '', 5],
    ['kata_agent_total_time', '', 4],
    ['kata_agent_total_vm', '', 1048576],
    ['kata_agent_total_rss', '', 512 * 4096],
    ['kata_agent_proc_stat', '{item="cstime"}', 20],
    ['kata_agent_proc_status', '{item="vmpeak"}', 2048],
    ['kata_agent_proc_status', '{item="vmswap"}', 0],
    ['kata_agent_proc_status', '{item="voluntary_ctxt_switches"}', 17],
    ['kata_agent_io_stat', '{item="write_bytes"}', 6],
    ['kata_guest_load', '{item="load1"}', 0.05],
    ['kata_guest_load', '{item="load15"}', 12.34],
    ['kata_guest_tasks', '{item="cur"}', 2],
    ['kata_guest_tasks', '{item="max"}', 345],
    ['kata_guest_cpu_time', '{cpu="total",item="user"}', 10],
    ['kata_guest_cpu_time', '{cpu="0",item="guest_nice"}', 200],
    ['kata_guest_cpu_time', '{cpu="1",item="user"}', 210],
    ['kata_guest_cpu_time', '{cpu="1",item="guest_nice"}', 0],
    ['kata_guest_vm_stat', '{item="nr_free_pages"}', 123],
    ['kata_guest_netdev_stat', '{interface="lo",item="recv_bytes"}', 1],
    ['kata_guest_netdev_stat', '{interface="eth0",item="sent_compressed"}', 32],
    ['kata_guest_diskstat', '{disk="vda",item="time_flushing"}', 17],
    ['kata_guest_diskstat', '{disk="vda1",item="reads"}', 21],
    ['kata_guest_diskstat', '{disk="vda1",item="flushes"}', 0],
    ['kata_guest_meminfo', '{item="mem_total"}', 1000 * 1024],
    ['kata_guest_meminfo', '{item="active_anon"}', 3 * 1024],
    ['kata_guest_meminfo', '{item="hugepages_total"}', 4],
    ['kata_guest_meminfo', '{item="hugepagesize"}', 2048 * 1024],
    ['kata_guest_meminfo', '{item="mmap_copy"}', 0],
    ['kata_guest_filesystem_bytes', '{device="vda",item="total",mount="/"}', 409600],
    ['kata_guest_filesystem_bytes', '{device="vda",item="used",mount="/"}', 60 * 4096],
    ['kata_guest_filesystem_inodes', '{device="vda",item="available",mount="/"}', 20],
    ['kata_guest_filesystem_inodes', '{device="0:31",item="used",mount="/a"b\\c d"}', 30],
  ])('say %s%s is %d', async (name, labels, expected) => {
    expect(value((await collect()).families, name, labels)).toBe(expected);
  });

  it('tell of a file system once, and not of read-only ones and those without a disk', async () => {
    const { families } = await collect();
    const mounts = [...(families.get('kata_guest_filesystem_bytes')?.samples.values() ?? [])].map(({ labels }) =>
      labels.get('mount'),
    );
    expect([...new Set(mounts)].sort()).toEqual(['/', '/a"b\\c d']);
  });

  it.each(Object.keys(PROC).filter((path) => path !== '/proc/self/mountinfo'))(
    'lose only the families of %s when it is missing or odd',
    async (path) => {
      const all = [...(await collect()).families.keys()];
      const without = await collect({ [path]: undefined });
      const lost = all.filter((name) => !without.families.has(name));
      expect(lost.length).toBeGreaterThan(0);
      expect(without.failures).toEqual([]);
      for (const odd of [
        '',
        'nonsense',
        '\u0000 \udc80',
        'a: b\nc: d\n',
        PROC[path as keyof typeof PROC].slice(0, 20),
      ]) {
        const { families } = await collect({ [path]: odd });
        for (const name of all.filter((each) => !lost.includes(each))) expect(families.has(name), name).toBe(true);
      }
    },
  );

  it('are bounded however many interfaces a workload makes', async () => {
    const rows = Array.from({ length: 5000 }, (_, index) => `d${index}: ${numbers(16)}`);
    const { families } = await collect({ '/proc/net/dev': rows.join('\n') });
    expect(families.get('kata_guest_netdev_stat')?.samples.size).toBe(256 * 16);
  });
});
