/** Families about the guest as a whole (boot contract, section 7). */
import type { MetricFamily, Sample } from '../../codec/prometheus-text.ts';
import { count, item, itemGauge, keyedCounts, malformed, type KernelUnits } from './family.ts';

/** Interfaces and disks told of; a container that shares the network can make any number of interfaces. */
const MAX_DEVICES = 256;

/** Families of `/proc/loadavg`: `0.00 0.01 0.05 1/89 1234`. */
export function loadAverage(text: string): MetricFamily[] {
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+) (\d{1,10})\/(\d{1,10})\s/.exec(text);
  if (match === null) throw malformed('/proc/loadavg');
  const [load1, load5, load15, current, all] = match.slice(1).map(Number);
  return [
    itemGauge('kata_guest_load', 'Load of the guest.', [
      item('load1', load1 ?? 0),
      item('load5', load5 ?? 0),
      item('load15', load15 ?? 0),
    ]),
    itemGauge('kata_guest_tasks', 'Tasks of the guest: runnable ones and all.', [
      item('cur', current ?? 0),
      item('max', all ?? 0),
    ]),
  ];
}

const CPU_ITEMS = 'user nice system idle iowait irq softirq steal guest guest_nice'.split(' ');

/** The family of `/proc/stat`: all CPUs together, and those that are online by position. */
export function cpuTime(text: string, units: KernelUnits): MetricFamily[] {
  const rows = text.split('\n').filter((line) => /^cpu\d*\s/.test(line));
  if (rows.length === 0) throw malformed('/proc/stat');
  const samples = rows.flatMap((line, index) => {
    const [, ...values] = line.split(/\s+/);
    // The first row is the sum.
    const cpu = index === 0 ? 'total' : String(index - 1);
    return CPU_ITEMS.map((name, column) => {
      const ticks = count(values[column]) ?? 0n;
      return item(name, (ticks * 1000n) / BigInt(units.ticksPerSecond), ['cpu', cpu]);
    });
  });
  return [itemGauge('kata_guest_cpu_time', 'CPU time of the guest in milliseconds.', samples)];
}

/** The family of `/proc/vmstat`: every name in it. */
export function vmStat(text: string): MetricFamily[] {
  const samples = [...keyedCounts(text)].map(([name, value]) => item(name, value));
  return [itemGauge('kata_guest_vm_stat', 'Virtual memory statistics of the guest.', samples)];
}

const NETDEV_ITEMS = [
  ...'bytes packets errs drop fifo frame compressed multicast'.split(' ').map((name) => `recv_${name}`),
  ...'bytes packets errs drop fifo colls carrier compressed'.split(' ').map((name) => `sent_${name}`),
];

/** The family of `/proc/net/dev`. */
export function netDevices(text: string): MetricFamily[] {
  const samples: Sample[] = [];
  let devices = 0;
  for (const line of text.split('\n')) {
    const colon = line.lastIndexOf(':');
    if (colon < 0 || devices === MAX_DEVICES) continue;
    devices += 1;
    const name = line.slice(0, colon).trim();
    const values = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    for (const [column, itemName] of NETDEV_ITEMS.entries())
      samples.push(item(itemName, count(values[column]) ?? 0n, ['interface', name]));
  }
  return [itemGauge('kata_guest_netdev_stat', 'Network interfaces of the guest.', samples)];
}

const DISK_ITEMS =
  'reads merged sectors_read time_reading writes writes_merged sectors_written time_writing in_progress time_in_progress weighted_time_in_progress discards discards_merged sectors_discarded time_discarding flushes time_flushing'.split(
    ' ',
  );

/** The family of `/proc/diskstats`. */
export function diskStats(text: string): MetricFamily[] {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
  const samples = rows
    .filter((row) => row.length > 3)
    .slice(0, MAX_DEVICES)
    .flatMap(([, , disk = '', ...values]) =>
      DISK_ITEMS.map((name, column) => item(name, count(values[column]) ?? 0n, ['disk', disk])),
    );
  return [itemGauge('kata_guest_diskstat', 'Disks of the guest.', samples)];
}
