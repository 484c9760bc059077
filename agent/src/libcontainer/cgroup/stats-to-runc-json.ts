import type { CgroupStats, MemoryUsage } from './cgroup-stats.ts';
import type { IoEntry, Pressure, PressureLine } from './parse-stats.ts';

type Json = string | number | bigint | boolean | undefined | readonly Json[] | { readonly [key: string]: Json };

/** JSON text with 64-bit integers as they are, which JSON.stringify cannot write. Undefined members are left out. */
function formatJson(value: Json): string {
  if (value === undefined) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(formatJson).join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : [`${JSON.stringify(key)}:${formatJson(member)}`],
  );
  return `{${members.join(',')}}`;
}

const unlimited = (1n << 64n) - 1n;

/** Go leaves a zero out where its struct says so. */
function nonZero(value: bigint): bigint | undefined {
  return value === 0n ? undefined : value;
}

function line(value: PressureLine | undefined): Json {
  const { avg10, avg60, avg300, total } = value ?? { avg10: 0, avg60: 0, avg300: 0, total: 0n };
  return { avg10, avg60, avg300, total };
}

function pressure(value: Pressure | undefined): Json {
  return value === undefined ? undefined : { some: line(value.some), full: line(value.full) };
}

function memoryEntry(usage: MemoryUsage): Json {
  const { limit, failures } = usage;
  return { limit, usage: nonZero(usage.usage), max: nonZero(usage.maxUsage), failcnt: failures };
}

/** As v1 counts it, memory and swap together; that is what readers of this JSON expect. */
function withMemory(swap: MemoryUsage, memory: MemoryUsage): MemoryUsage {
  const limit = swap.limit === 0n ? unlimited : swap.limit + memory.limit;
  return { ...swap, usage: swap.usage + memory.usage, limit: limit > unlimited ? unlimited : limit };
}

/** Names of `io.stat` as runc sorts them: bytes and requests, each by direction. */
const byteOperations = new Map([
  ['read', 'Read'],
  ['write', 'Write'],
  ['dbytes', 'Discard'],
]);
const requestOperations = new Map([
  ['rios', 'Read'],
  ['wios', 'Write'],
  ['dios', 'Discard'],
]);

function blockEntries(entries: readonly IoEntry[], names: ReadonlyMap<string, string>): Json {
  const found = entries.flatMap(({ major, minor, op, value }) => {
    const name = names.get(op);
    return name === undefined
      ? []
      : [{ major: nonZero(major), minor: nonZero(minor), op: name, value: nonZero(value) }];
  });
  return found.length === 0 ? undefined : found;
}

function memory(stats: CgroupStats['memory']): Json {
  const none: MemoryUsage = { usage: 0n, maxUsage: 0n, failures: 0n, limit: 0n };
  if (stats === undefined) return { usage: memoryEntry(none), swap: memoryEntry(none), kernel: memoryEntry(none) };
  return {
    cache: nonZero(stats.cache),
    usage: memoryEntry(stats.memory),
    swap: memoryEntry(withMemory(stats.swap, stats.memory)),
    kernel: memoryEntry({ ...none, usage: stats.kernelUsage }),
    kernelTCP: memoryEntry(none),
    raw: Object.fromEntries(stats.stats),
    psi: pressure(stats.pressure),
  };
}

/** One line of `events --stats`, in the form of runc's (its package `types`), without a line end. */
export function statsToRuncJson(containerId: string, stats: CgroupStats): string {
  const { cpu, pids, io } = stats;
  const data: Json = {
    cpu: {
      usage: { total: nonZero(cpu?.total ?? 0n), kernel: cpu?.kernel ?? 0n, user: cpu?.user ?? 0n },
      throttling: {
        periods: nonZero(cpu?.periods ?? 0n),
        throttledPeriods: nonZero(cpu?.throttledPeriods ?? 0n),
        throttledTime: nonZero(cpu?.throttledTime ?? 0n),
      },
      psi: pressure(cpu?.pressure),
      burst: { burstsPeriods: nonZero(cpu?.bursts ?? 0n), burstTime: nonZero(cpu?.burstTime ?? 0n) },
    },
    memory: memory(stats.memory),
    pids: { current: nonZero(pids?.current ?? 0n), limit: nonZero(pids?.limit ?? 0n) },
    blkio: {
      ioServiceBytesRecursive: blockEntries(io ?? [], byteOperations),
      ioServicedRecursive: blockEntries(io ?? [], requestOperations),
      psi: pressure(stats.ioPressure),
    },
    hugetlb: Object.fromEntries(
      stats.hugetlb.map(({ pageSize, usage, failures }) => [pageSize, { usage: nonZero(usage), failcnt: failures }]),
    ),
    intel_rdt: {},
    network_interfaces: [],
  };
  return formatJson({ type: 'stats', id: containerId, data });
}
