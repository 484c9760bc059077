import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { readDirectory, readText } from '../../sys/file.ts';
import { keyedValue, parseCount, parseFlatKeyed, parseIoStat, parsePressure, parseRdma } from './parse-stats.ts';
import type { IoEntry, Pressure, RdmaEntry } from './parse-stats.ts';

/** "No limit" in the fields of the API. */
const unlimited = (1n << 64n) - 1n;

export interface MemoryUsage {
  readonly usage: bigint;
  readonly maxUsage: bigint;
  readonly failures: bigint;
  readonly limit: bigint;
}

/** Counters of a cgroup in the units of StatsContainer (contract, lifecycle section 12.7). Absent parts have no controller. */
export interface CgroupStats {
  /** Nanoseconds. */
  readonly cpu:
    | {
        readonly total: bigint;
        readonly user: bigint;
        readonly kernel: bigint;
        readonly periods: bigint;
        readonly throttledPeriods: bigint;
        readonly throttledTime: bigint;
        /** Periods in which more than the quota was used from what was saved up, and the time beyond it. */
        readonly bursts: bigint;
        readonly burstTime: bigint;
        readonly pressure: Pressure | undefined;
      }
    | undefined;
  /** Bytes; `stats` are the lines of `memory.stat`. */
  readonly memory:
    | {
        readonly memory: MemoryUsage;
        readonly swap: MemoryUsage;
        readonly cache: bigint;
        readonly stats: readonly (readonly [string, bigint])[];
        /** Kernel memory, of which v2 keeps only the use. */
        readonly kernelUsage: bigint;
        /** Processes killed because memory ran out, here and below. */
        readonly oomKills: bigint;
        readonly pressure: Pressure | undefined;
      }
    | undefined;
  /** A limit of 0 means none. */
  readonly pids: { readonly current: bigint; readonly limit: bigint } | undefined;
  readonly io: readonly IoEntry[] | undefined;
  readonly ioPressure: Pressure | undefined;
  readonly hugetlb: readonly {
    readonly pageSize: string;
    readonly usage: bigint;
    readonly limit: bigint;
    readonly failures: bigint;
  }[];
  readonly rdma: { readonly current: readonly RdmaEntry[]; readonly limit: readonly RdmaEntry[] };
}

/** The text of a file, '' when it is not there. */
function textOf(directory: Fd, file: string): string {
  try {
    return readText(file, { at: directory });
  } catch (error) {
    if (isSysError(error)) return '';
    throw error;
  }
}

function readCpu(directory: Fd): CgroupStats['cpu'] {
  const entries = parseFlatKeyed(textOf(directory, 'cpu.stat'));
  if (entries.length === 0) return undefined;
  return {
    total: keyedValue(entries, 'usage_usec') * 1000n,
    user: keyedValue(entries, 'user_usec') * 1000n,
    kernel: keyedValue(entries, 'system_usec') * 1000n,
    periods: keyedValue(entries, 'nr_periods'),
    throttledPeriods: keyedValue(entries, 'nr_throttled'),
    throttledTime: keyedValue(entries, 'throttled_usec') * 1000n,
    bursts: keyedValue(entries, 'nr_bursts'),
    burstTime: keyedValue(entries, 'burst_usec') * 1000n,
    pressure: parsePressure(textOf(directory, 'cpu.pressure')),
  };
}

function readMemory(directory: Fd): CgroupStats['memory'] {
  const current = textOf(directory, 'memory.current');
  if (current === '') return undefined;
  const count = (file: string, whenMax: bigint): bigint => parseCount(textOf(directory, file), whenMax);
  const stats = parseFlatKeyed(textOf(directory, 'memory.stat'));
  return {
    memory: {
      usage: parseCount(current, 0n),
      maxUsage: count('memory.peak', 0n),
      failures: 0n,
      limit: count('memory.max', unlimited),
    },
    swap: {
      usage: count('memory.swap.current', 0n),
      maxUsage: count('memory.swap.peak', 0n),
      failures: keyedValue(parseFlatKeyed(textOf(directory, 'memory.swap.events')), 'fail'),
      limit: count('memory.swap.max', 0n),
    },
    cache: keyedValue(stats, 'file'),
    stats,
    kernelUsage: keyedValue(stats, 'kernel'),
    oomKills: keyedValue(parseFlatKeyed(textOf(directory, 'memory.events')), 'oom_kill'),
    pressure: parsePressure(textOf(directory, 'memory.pressure')),
  };
}

function readPids(directory: Fd): CgroupStats['pids'] {
  const current = textOf(directory, 'pids.current');
  if (current === '') return undefined;
  return { current: parseCount(current, 0n), limit: parseCount(textOf(directory, 'pids.max'), 0n) };
}

function readHugetlb(directory: Fd): CgroupStats['hugetlb'] {
  const prefix = 'hugetlb.';
  const suffix = '.current';
  return readDirectory('.', directory)
    .map(({ name }) => name)
    .filter((name) => name.startsWith(prefix) && name.endsWith(suffix) && !name.includes('rsvd'))
    .map((name) => {
      const pageSize = name.slice(prefix.length, -suffix.length);
      const events = parseFlatKeyed(textOf(directory, `hugetlb.${pageSize}.events`));
      return {
        pageSize,
        usage: parseCount(textOf(directory, name), 0n),
        limit: parseCount(textOf(directory, `hugetlb.${pageSize}.max`), unlimited),
        failures: events[0]?.[1] ?? 0n,
      };
    });
}

/** Reads the counters of a cgroup v2 directory. An unreadable file counts as 0. */
export function readCgroupStats(directory: Fd): CgroupStats {
  const io = textOf(directory, 'io.stat');
  return {
    cpu: readCpu(directory),
    memory: readMemory(directory),
    pids: readPids(directory),
    io: io === '' ? undefined : parseIoStat(io),
    ioPressure: parsePressure(textOf(directory, 'io.pressure')),
    hugetlb: readHugetlb(directory),
    rdma: {
      current: parseRdma(textOf(directory, 'rdma.current')),
      limit: parseRdma(textOf(directory, 'rdma.max')),
    },
  };
}
