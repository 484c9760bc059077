import { DomainError } from '../../base/errors.ts';
import type { BlockIoResources, CpuResources, MemoryResources, Resources } from '../../oci/spec.ts';

/** One write into a file of the container's cgroup (v2). */
export interface CgroupWrite {
  readonly file: string;
  readonly value: string;
  /** Which controller makes the file; undefined for files of every cgroup. */
  readonly controller: string;
  /** The field of the spec that asks for it. */
  readonly field: string;
  /**
   * `must`: failure fails the request. `should`: a hint to the scheduler, failure is logged. `if-present`: must work where
   * the file exists; a kernel without it has nothing to limit.
   */
  readonly need: 'must' | 'should' | 'if-present';
}

/** What the plan has to know about the cgroup as it is. */
export interface CurrentLimits {
  /** Text of `cpu.max`, such as `max 100000`; undefined when there is none. */
  readonly cpuMax: string | undefined;
}

/** Range of v1 shares and of v2 weights (Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files"). */
const minShares = 2n;
const maxShares = 262144n;

/** v2 weight (1 to 10000) for v1 shares (2 to 262144); shares out of range are taken as the nearest in range. */
export function sharesToWeight(shares: bigint): bigint {
  const clamped = shares < minShares ? minShares : shares > maxShares ? maxShares : shares;
  return 1n + ((clamped - minShares) * 9999n) / (maxShares - minShares);
}

/** `cpu.max` with one or both halves replaced; the other half keeps its value. */
function cpuMax(cpu: CpuResources, current: string | undefined): string | undefined {
  if (cpu.quota === undefined && cpu.period === undefined) return undefined;
  const [quota = 'max', period = '100000'] = (current ?? '')
    .trim()
    .split(' ')
    .filter((part) => part !== '');
  return `${cpu.quota ?? quota} ${cpu.period ?? period}`;
}

function planCpu(cpu: CpuResources, current: CurrentLimits): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const field = 'linux.resources.cpu';
  if (cpu.shares !== undefined) {
    const value = String(sharesToWeight(cpu.shares));
    writes.push({ file: 'cpu.weight', value, controller: 'cpu', field: `${field}.shares`, need: 'should' });
  }
  const max = cpuMax(cpu, current.cpuMax);
  if (max !== undefined) {
    writes.push({ file: 'cpu.max', value: max, controller: 'cpu', field: `${field}.quota`, need: 'must' });
  }
  // CPUs may not be plugged in yet: the host sends the list again when they are.
  if (cpu.cpus !== undefined) {
    const value = cpu.cpus.trim();
    writes.push({ file: 'cpuset.cpus', value, controller: 'cpuset', field: `${field}.cpus`, need: 'should' });
  }
  if (cpu.mems !== undefined) {
    const value = cpu.mems.trim();
    writes.push({ file: 'cpuset.mems', value, controller: 'cpuset', field: `${field}.mems`, need: 'must' });
  }
  return writes;
}

function planMemory(memory: MemoryResources): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: bigint, name: string, need: CgroupWrite['need']): void => {
    const field = `linux.resources.memory.${name}`;
    writes.push({ file, value: String(value), controller: 'memory', field, need });
  };
  if (memory.limit !== undefined) add('memory.max', memory.limit, 'limit', 'must');
  if (memory.swap !== undefined) {
    if (memory.limit === undefined || memory.swap < memory.limit) {
      throw new DomainError('invalid_argument', 'linux.resources.memory.swap: needs a memory limit at or below it');
    }
    add('memory.swap.max', memory.swap - memory.limit, 'swap', 'if-present');
  }
  if (memory.reservation !== undefined) add('memory.low', memory.reservation, 'reservation', 'must');
  return writes;
}

function planBlockIo(io: BlockIoResources): CgroupWrite[] {
  const field = 'linux.resources.blockIO';
  const limits = [
    ['rbps', io.readBps],
    ['wbps', io.writeBps],
    ['riops', io.readIops],
    ['wiops', io.writeIops],
  ] as const;
  const weight = io.weight === undefined ? [] : [`${io.weight}`];
  const weights = [...weight, ...io.weightDevices.map(({ major, minor, weight: own }) => `${major}:${minor} ${own}`)];
  return [
    ...weights.map((value): CgroupWrite => ({
      file: 'io.bfq.weight',
      value,
      controller: 'io',
      field: `${field}.weight`,
      need: 'should',
    })),
    ...limits.flatMap(([key, devices]) =>
      devices.map(({ major, minor, rate }): CgroupWrite => ({
        file: 'io.max',
        value: `${major}:${minor} ${key}=${rate}`,
        controller: 'io',
        field: `${field}.throttle`,
        need: 'should',
      })),
    ),
  ];
}

/**
 * The writes that give a cgroup these limits, in the order of the contract (lifecycle section 12.4, with its repairs). What is
 * absent is left as it is. Swappiness, the OOM killer switch and kernel memory have no file in v2 and are ignored.
 */
export function planResources(resources: Resources, current: CurrentLimits): readonly CgroupWrite[] {
  const { cpu, memory, pids, blockIo, hugepages, unified } = resources;
  const writes: CgroupWrite[] = [];
  if (cpu !== undefined) writes.push(...planCpu(cpu, current));
  if (memory !== undefined) writes.push(...planMemory(memory));
  if (pids !== undefined) {
    const value = pids <= 0n ? 'max' : String(pids);
    writes.push({ file: 'pids.max', value, controller: 'pids', field: 'linux.resources.pids.limit', need: 'must' });
  }
  if (blockIo !== undefined) writes.push(...planBlockIo(blockIo));
  for (const { pageSize, limit } of hugepages) {
    const field = `linux.resources.hugepageLimits[${pageSize}]`;
    const file = `hugetlb.${pageSize}.max`;
    writes.push({ file, value: String(limit), controller: 'hugetlb', field, need: 'if-present' });
  }
  for (const [file, value] of unified) {
    const controller = file.slice(0, file.indexOf('.'));
    writes.push({ file, value, controller, field: `linux.resources.unified[${file}]`, need: 'must' });
  }
  return writes;
}
