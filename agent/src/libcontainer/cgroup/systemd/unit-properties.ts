import type { Variant } from '../../../codec/dbus/value.ts';
import type { CpuResources, MemoryResources, Resources } from '../../../oci/spec.ts';
import { blockWeightToIoWeight } from '../plan-block-io.ts';
import { sharesToWeight, swapLimit } from '../resource-plan.ts';
import { cpuMask } from './cpu-mask.ts';

/** Names and values as StartTransientUnit and SetUnitProperties take them. */
export type UnitProperties = ReadonlyMap<string, Variant>;

/** What the properties depend on beside the limits. */
export interface PropertyFacts {
  /** Of systemd, e.g. 252: older ones do not know every property. */
  readonly version: number;
  /** Text of `cpu.max`: what is not mentioned keeps its value. */
  readonly cpuMax: string;
}

/** "No limit" of systemd (CGROUP_LIMIT_MAX, USEC_INFINITY). */
const infinity = 0xffff_ffff_ffff_ffffn;
/** Quotas have steps of 1 % of a CPU. */
const quotaStep = 10_000n;
const microsecondsPerSecond = 1_000_000n;
/** Versions that brought a property (NEWS of systemd). */
const since = { quotaPeriod: 242, cpuset: 244, idleWeight: 252 };

function number(value: bigint): Variant {
  return { signature: 't', value };
}

/** In specs 0 is "not set" and a negative number "no limit". */
function limit(value: bigint | undefined): Variant | undefined {
  if (value === undefined || value === 0n) return undefined;
  return number(value < 0n ? infinity : value);
}

/** The values of cgroup files: a count, or `max`. */
function countOf(text: string): bigint | undefined {
  if (text === 'max') return infinity;
  return /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

class Properties {
  readonly found = new Map<string, Variant>();
  readonly #facts: PropertyFacts;

  constructor(facts: PropertyFacts) {
    this.#facts = facts;
  }

  set(name: string, value: Variant | undefined): void {
    if (value !== undefined) this.found.set(name, value);
  }

  count(name: string, value: bigint | undefined): void {
    if (value !== undefined) this.set(name, number(value));
  }

  /** `quota` and `period` as in `cpu.max`; systemd has the quota as time on the CPU in each second, in whole percent. */
  cpuMax(quota: bigint | undefined, period: bigint | undefined): void {
    const [oldQuota = 'max', oldPeriod = '100000'] = this.#facts.cpuMax.split(/\s+/).filter((word) => word !== '');
    const microseconds = quota ?? countOf(oldQuota) ?? infinity;
    const each = period ?? countOf(oldPeriod) ?? 100_000n;
    if (each === 0n) return;
    if (this.#facts.version >= since.quotaPeriod) this.set('CPUQuotaPeriodUSec', number(each));
    const perSecond = (microseconds * microsecondsPerSecond) / each;
    const rounded = ((perSecond + quotaStep - 1n) / quotaStep) * quotaStep;
    this.set('CPUQuotaPerSecUSec', number(microseconds === infinity ? infinity : rounded));
  }

  mask(name: string, list: string | undefined, field: string): void {
    if (list === undefined || list.trim() === '' || this.#facts.version < since.cpuset) return;
    this.set(name, { signature: 'ay', value: cpuMask(list.trim(), field) });
  }

  cpu(cpu: CpuResources): void {
    const { shares, quota, period, cpus, mems, idle } = cpu;
    if (shares !== undefined && shares !== 0n) this.count('CPUWeight', sharesToWeight(shares));
    this.idle(idle === undefined ? undefined : String(idle));
    const hasQuota = quota !== undefined && quota !== 0n;
    const hasPeriod = period !== undefined && period > 0n;
    if (hasQuota || hasPeriod) {
      this.cpuMax(hasQuota ? (quota < 0n ? infinity : quota) : undefined, hasPeriod ? period : undefined);
    }
    this.mask('AllowedCPUs', cpus, 'linux.resources.cpu.cpus');
    this.mask('AllowedMemoryNodes', mems, 'linux.resources.cpu.mems');
  }

  idle(value: string | undefined): void {
    if (value === '1' && this.#facts.version >= since.idleWeight) this.count('CPUWeight', 0n);
  }

  memory(memory: MemoryResources): void {
    this.set('MemoryMax', limit(memory.limit));
    this.set('MemoryLow', limit(memory.reservation));
    const swap = swapLimit(memory.swap, memory.limit);
    if (swap !== undefined) this.count('MemorySwapMax', countOf(swap));
  }

  /** Files of cgroup v2 that systemd has a property for. A value that is none is left to the file, which refuses it. */
  unified(file: string, text: string): void {
    const value = text.trim();
    const field = `linux.resources.unified[${file}]`;
    switch (file) {
      case 'cpu.max': {
        const [quota = '', period] = value.split(/\s+/);
        const count = countOf(quota);
        if (count !== undefined) this.cpuMax(count, period === undefined ? undefined : countOf(period));
        return;
      }
      case 'cpu.weight':
        return this.count('CPUWeight', countOf(value));
      case 'cpu.idle':
        return this.idle(value);
      case 'cpuset.cpus':
        return this.mask('AllowedCPUs', value, field);
      case 'cpuset.mems':
        return this.mask('AllowedMemoryNodes', value, field);
      case 'pids.max':
        return this.count('TasksMax', countOf(value));
      default: {
        const name = memoryFiles.get(file);
        if (name !== undefined) this.count(name, countOf(value));
      }
    }
  }
}

const memoryFiles: ReadonlyMap<string, string> = new Map([
  ['memory.min', 'MemoryMin'],
  ['memory.low', 'MemoryLow'],
  ['memory.high', 'MemoryHigh'],
  ['memory.max', 'MemoryMax'],
  ['memory.swap.max', 'MemorySwapMax'],
]);

/**
 * The limits as properties of a unit, so that systemd does not undo what is written into the cgroup's files whenever it writes them
 * itself (contract, lifecycle section 12.6). What it has no property for is in the files only. `unified` wins.
 */
export function resourceProperties(resources: Resources, facts: PropertyFacts): UnitProperties {
  const { cpu, memory, pids, blockIo, unified } = resources;
  const properties = new Properties(facts);
  if (cpu !== undefined) properties.cpu(cpu);
  if (memory !== undefined) properties.memory(memory);
  if (pids !== undefined) properties.count('TasksMax', pids <= 0n ? infinity : pids);
  const weight = blockIo?.weight ?? 0;
  if (weight !== 0) properties.count('IOWeight', BigInt(blockWeightToIoWeight(weight)));
  for (const [file, text] of unified) properties.unified(file, text);
  return properties.found;
}

/** What makes a scope that is a container's: it stays out of systemd's own ordering, counts everything, and its inside is ours. */
export function scopeProperties(description: string, slice: string, pid: number): UnitProperties {
  const yes: Variant = { signature: 'b', value: true };
  return new Map<string, Variant>([
    ['Description', { signature: 's', value: description }],
    ['Slice', { signature: 's', value: slice }],
    ['PIDs', { signature: 'au', value: [pid] }],
    ['Delegate', yes],
    ['CPUAccounting', yes],
    ['MemoryAccounting', yes],
    ['IOAccounting', yes],
    ['TasksAccounting', yes],
    ['DefaultDependencies', { signature: 'b', value: false }],
    // Gone with its last process, also when it failed: nobody would reset it after a crash.
    ['CollectMode', { signature: 's', value: 'inactive-or-failed' }],
  ]);
}
