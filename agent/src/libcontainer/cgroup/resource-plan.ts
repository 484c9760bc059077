import { DomainError, invalidArgument } from '../../base/errors.ts';
import type { CpuResources, MemoryResources, Resources } from '../../oci/spec.ts';
import type { CgroupWrite } from './cgroup-write.ts';
import { planBlockIo } from './plan-block-io.ts';

/** What the plan has to know about the cgroup as it is. */
export interface CurrentLimits {
  /** Text of `cpu.max`, such as `max 100000`; undefined when there is none. */
  readonly cpuMax: string | undefined;
  /** The kernel has `io.bfq.weight`, which takes weights as they are; otherwise `io.weight` gets converted ones. */
  readonly hasBfqWeight?: boolean;
  /** Bytes in use, where `checkBeforeUpdate` asks for a look. */
  readonly memoryUsage?: bigint;
}

/** Range of v1 shares and of v2 weights (Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files"). */
const minShares = 2n;
const maxShares = 262144n;

/** v2 weight (1 to 10000) for v1 shares (2 to 262144); shares out of range are taken as the nearest in range. */
export function sharesToWeight(shares: bigint): bigint {
  const clamped = shares < minShares ? minShares : shares > maxShares ? maxShares : shares;
  return 1n + ((clamped - minShares) * 9999n) / (maxShares - minShares);
}

/** In specs 0 is "not set" and a negative number "no limit". */
function limitText(value: bigint | undefined): string | undefined {
  if (value === undefined || value === 0n) return undefined;
  return value < 0n ? 'max' : String(value);
}

/** True for a write that takes limits away: without its controller there is nothing to do. */
export function isUnlimited({ value }: CgroupWrite): boolean {
  return value === 'max' || value.startsWith('max ');
}

/** `cpu.max` as it is and as it shall be; the half that is not mentioned keeps its value. */
function cpuMax(cpu: CpuResources, current: string | undefined) {
  const parts = (current ?? '').split(/\s+/).filter((part) => part !== '');
  const [currentQuota = 'max', currentPeriod = '100000'] = parts;
  const quota = limitText(cpu.quota);
  const period = cpu.period === undefined || cpu.period <= 0n ? undefined : String(cpu.period);
  const text =
    quota === undefined && period === undefined ? undefined : `${quota ?? currentQuota} ${period ?? currentPeriod}`;
  return { text, currentQuota };
}

function planCpu(cpu: CpuResources, current: CurrentLimits): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (controller: string, file: string, value: string, name: string, need: CgroupWrite['need']): void => {
    writes.push({ file, value, controller, field: `linux.resources.cpu.${name}`, need });
  };
  // First, because it decides whether there is a weight at all: the kernel refuses one for an idle group.
  if (cpu.idle !== undefined) add('cpu', 'cpu.idle', String(cpu.idle), 'idle', 'must');
  if (cpu.shares !== undefined && cpu.shares !== 0n && cpu.idle !== 1n) {
    add('cpu', 'cpu.weight', String(sharesToWeight(cpu.shares)), 'shares', 'hint');
  }
  const { text, currentQuota } = cpuMax(cpu, current.cpuMax);
  const { burst } = cpu;
  // The kernel wants burst <= quota at every moment, so which is written first depends on the way they go.
  const isBurstFirst = burst !== undefined && (currentQuota === 'max' || burst <= BigInt(currentQuota));
  const addBurst = (): void => {
    if (burst !== undefined) add('cpu', 'cpu.max.burst', String(burst), 'burst', 'must');
  };
  if (isBurstFirst && currentQuota !== 'max') addBurst();
  if (text !== undefined) add('cpu', 'cpu.max', text, limitText(cpu.quota) === undefined ? 'period' : 'quota', 'must');
  if (!isBurstFirst || currentQuota === 'max') addBurst();
  if (cpu.cpus !== undefined && cpu.cpus.trim() !== '')
    add('cpuset', 'cpuset.cpus', cpu.cpus.trim(), 'cpus', 'lenient');
  if (cpu.mems !== undefined && cpu.mems.trim() !== '') add('cpuset', 'cpuset.mems', cpu.mems.trim(), 'mems', 'must');
  return writes;
}

/** `memory.swap.max` for the v1 value, which counts memory too (contract, lifecycle section 12.4); undefined: left as it is. */
export function swapLimit(swap: bigint | undefined, limit: bigint | undefined): string | undefined {
  if (swap === undefined || swap === 0n) return limit !== undefined && limit < 0n ? 'max' : undefined;
  if (swap < 0n) return 'max';
  if (limit === undefined || limit <= 0n || swap < limit) {
    throw new DomainError('invalid_argument', 'linux.resources.memory.swap: needs a memory limit at or below it');
  }
  return String(swap - limit);
}

function planMemory(memory: MemoryResources, current: CurrentLimits): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (file: string, value: string | undefined, name: string, need: CgroupWrite['need']): void => {
    const field = `linux.resources.memory.${name}`;
    if (value !== undefined) writes.push({ file, value, controller: 'memory', field, need });
  };
  const { limit } = memory;
  const usage = current.memoryUsage;
  if (memory.checkBeforeUpdate && usage !== undefined && limit !== undefined && limit > 0n && limit < usage) {
    const field = 'linux.resources.memory.limit';
    throw new DomainError('failed_precondition', `${field}: ${limit} is below the ${usage} bytes in use`);
  }
  const swap = swapLimit(memory.swap, limit);
  // Taking swap away from a kernel that has none is done.
  add('memory.swap.max', swap, 'swap', swap === 'max' || swap === '0' ? 'optional' : 'if-present');
  add('memory.max', limitText(limit), 'limit', 'must');
  add('memory.low', limitText(memory.reservation), 'reservation', 'must');
  return writes;
}

function planHugepages(hugepages: Resources['hugepages']): CgroupWrite[] {
  return hugepages.flatMap(({ pageSize, limit }) => {
    const write = { value: String(limit), controller: 'hugetlb', field: `linux.resources.hugepageLimits[${pageSize}]` };
    return [
      { ...write, file: `hugetlb.${pageSize}.max`, need: 'if-present' as const },
      // Reservations are counted apart since Linux 5.7; without this limit mmap(2) could reserve what it may not touch.
      { ...write, file: `hugetlb.${pageSize}.rsvd.max`, need: 'optional' as const },
    ];
  });
}

function planRdma(rdma: Resources['rdma']): CgroupWrite[] {
  return [...rdma].flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    if (limits.length === 0) return [];
    const value = [device, ...limits].join(' ');
    return [{ file: 'rdma.max', value, controller: 'rdma', field: `linux.resources.rdma[${device}]`, need: 'must' }];
  });
}

/** Files that take one line for each device want one write for each line. */
function planUnified(unified: Resources['unified']): CgroupWrite[] {
  return [...unified].flatMap(([file, text]) => {
    const controller = file.slice(0, Math.max(0, file.indexOf('.')));
    const field = `linux.resources.unified[${file}]`;
    if (controller === '' || controller === 'cgroup') throw invalidArgument(field, "is not a controller's file");
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((value): CgroupWrite => ({ file, value, controller, field, need: 'must' }));
  });
}

/**
 * The writes that give a cgroup these limits, in the order of the contract (lifecycle section 12.4, with its repairs); `unified`
 * comes last and wins. What is absent is left as it is.
 */
export function planResources(resources: Resources, current: CurrentLimits): readonly CgroupWrite[] {
  const { cpu, memory, pids, blockIo, hugepages, unified, rdma } = resources;
  const writes: CgroupWrite[] = [];
  if (cpu !== undefined) writes.push(...planCpu(cpu, current));
  if (memory !== undefined) writes.push(...planMemory(memory, current));
  if (pids !== undefined) {
    const value = pids <= 0n ? 'max' : String(pids);
    writes.push({ file: 'pids.max', value, controller: 'pids', field: 'linux.resources.pids.limit', need: 'must' });
  }
  if (blockIo !== undefined) writes.push(...planBlockIo(blockIo, current.hasBfqWeight ?? true));
  writes.push(...planHugepages(hugepages), ...planRdma(rdma), ...planUnified(unified));
  return writes;
}

/** What cgroup v2 has no counterpart for, one line each; a value that asks for nothing is not meant. */
export function ignoredSettings(resources: Resources): readonly string[] {
  const { memory, blockIo, network } = resources;
  const ignored: string[] = [];
  if (memory?.swappiness !== undefined) ignored.push('memory.swappiness: cgroup v2 has no swappiness');
  if (memory?.disableOomKiller === true) ignored.push('memory.disableOOMKiller: cgroup v2 cannot switch it off');
  if (blockIo?.leafWeight !== undefined) ignored.push('blockIO.leafWeight: cgroup v2 has no weight of leaves');
  if ((network?.classId ?? 0) !== 0 || (network?.priorities.size ?? 0) > 0)
    ignored.push('network: cgroup v2 has neither net_cls nor net_prio');
  return ignored.map((text) => `linux.resources.${text}`);
}

/** The first setting that only a cgroup can make true; undefined: a container with these resources can do without one. */
export function settingThatNeedsCgroup(resources: Resources): string | undefined {
  const writes = planResources(resources, { cpuMax: undefined });
  return writes.find((write) => write.need !== 'hint' && !isUnlimited(write))?.field;
}
