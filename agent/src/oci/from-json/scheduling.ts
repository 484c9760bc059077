import type { CpuAffinitySpec, IoPrioritySpec, SchedulerSpec } from '../spec.ts';
import { int32, uint64 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const schedulerKeys = knownKeys('policy', 'nice', 'priority', 'flags', 'runtime', 'deadline', 'period');
const ioPriorityKeys = knownKeys('class', 'priority');
const affinityKeys = knownKeys('initial', 'final');

/** `process.scheduler`; names and ranges are left to validation. */
export function scheduler(process: JsonObject): SchedulerSpec | undefined {
  const section = process.object('scheduler', schedulerKeys);
  if (section === undefined) return undefined;
  return {
    policy: section.requiredString('policy'),
    nice: section.integer('nice', int32) ?? 0,
    priority: section.integer('priority', int32) ?? 0,
    flags: section.strings('flags'),
    runtime: section.bigint('runtime', uint64) ?? 0n,
    deadline: section.bigint('deadline', uint64) ?? 0n,
    period: section.bigint('period', uint64) ?? 0n,
  };
}

const ioClasses = ['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'] as const;

/** `process.ioPriority`. */
export function ioPriority(process: JsonObject): IoPrioritySpec | undefined {
  const section = process.object('ioPriority', ioPriorityKeys);
  if (section === undefined) return undefined;
  const ioClass = section.oneOf('class', ioClasses, 'class');
  if (ioClass === undefined) throw section.error('class', 'missing');
  return { class: ioClass, priority: section.integer('priority', int32) ?? 0 };
}

/** `process.execCPUAffinity`. */
export function execCpuAffinity(process: JsonObject): CpuAffinitySpec | undefined {
  const section = process.object('execCPUAffinity', affinityKeys);
  return section === undefined ? undefined : { initial: section.text('initial'), final: section.text('final') };
}
