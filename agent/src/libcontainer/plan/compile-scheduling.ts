import { invalidArgument } from '../../base/errors.ts';
import { memoryPolicyFlags, memoryPolicyModes } from '../../oci/memory-policy-names.ts';
import { ioPriorityClasses, schedulerFlags, schedulerPolicies } from '../../oci/scheduler-names.ts';
import type { IoPrioritySpec, LinuxSpec, MemoryPolicySpec, ProcessSpec, SchedulerSpec } from '../../oci/spec.ts';
import type { ProcessStep } from './process-steps.ts';

/** What a container's processes have in common beside their process object. */
export type SharedAttributes = Pick<LinuxSpec, 'personality' | 'memoryPolicy'>;

/** Execution domains by number (linux/personality.h). */
const domains: Readonly<Record<'LINUX' | 'LINUX32', number>> = { LINUX: 0, LINUX32: 8 };

function numberOf(names: ReadonlyMap<string, number>, name: string, field: string): number {
  const number = names.get(name);
  if (number === undefined) throw invalidArgument(field, `unknown name ${JSON.stringify(name)}`);
  return number;
}

function bitsOf(names: ReadonlyMap<string, number>, list: readonly string[], field: string): number {
  return list.reduce((bits, name) => bits | numberOf(names, name, field), 0);
}

function compileScheduler(scheduler: SchedulerSpec | undefined): readonly ProcessStep[] {
  if (scheduler === undefined) return [];
  const { nice, priority, runtime, deadline, period } = scheduler;
  return [
    {
      do: 'scheduler',
      policy: numberOf(schedulerPolicies, scheduler.policy, 'process.scheduler.policy'),
      flags: bitsOf(schedulerFlags, scheduler.flags, 'process.scheduler.flags'),
      nice,
      priority,
      runtime: String(runtime),
      deadline: String(deadline),
      period: String(period),
    },
  ];
}

function compileIoPriority(wanted: IoPrioritySpec | undefined): readonly ProcessStep[] {
  if (wanted === undefined) return [];
  const ioClass = numberOf(ioPriorityClasses, wanted.class, 'process.ioPriority.class');
  return [{ do: 'io-priority', ioClass, priority: wanted.priority }];
}

function compileMemoryPolicy(policy: MemoryPolicySpec | undefined): readonly ProcessStep[] {
  if (policy === undefined) return [];
  const mode = numberOf(memoryPolicyModes, policy.mode, 'linux.memoryPolicy.mode');
  return [
    {
      do: 'memory-policy',
      mode: mode | bitsOf(memoryPolicyFlags, policy.flags, 'linux.memoryPolicy.flags'),
      nodes: policy.nodes,
    },
  ];
}

function compilePersonality(personality: LinuxSpec['personality']): readonly ProcessStep[] {
  if (personality === undefined) return [];
  // The specification knows no flag yet, and one that is not applied must not seem to be.
  if (personality.flags.length > 0) {
    throw invalidArgument('linux.personality.flags', `unknown flag ${JSON.stringify(personality.flags[0])}`);
  }
  return [{ do: 'personality', persona: domains[personality.domain] }];
}

/** Only these policies come with a nice value; the others leave the parent's. */
function setsNice(scheduler: SchedulerSpec | undefined): boolean {
  return scheduler?.policy === 'SCHED_OTHER' || scheduler?.policy === 'SCHED_BATCH';
}

/**
 * The first steps of all: a process starts from the kernel's defaults, whatever its parent made of itself (PRV-13). An exec may
 * have CPUs of its own, at first and then for good.
 */
export function compileStart(process: ProcessSpec, shared: SharedAttributes, isExec: boolean): readonly ProcessStep[] {
  const initial = isExec ? process.execCpuAffinity?.initial : undefined;
  return [
    {
      do: 'inherited',
      resetsScheduler: !setsNice(process.scheduler),
      resetsPersonality: shared.personality === undefined,
    },
    { do: 'affinity', cpus: initial ?? 'all', isAdvice: initial !== undefined },
  ];
}

function compileFinalAffinity(process: ProcessSpec): readonly ProcessStep[] {
  const affinity = process.execCpuAffinity;
  const cpus = affinity?.final ?? (affinity?.initial === undefined ? undefined : 'all');
  return cpus === undefined ? [] : [{ do: 'affinity', cpus, isAdvice: false }];
}

/** What the kernel's schedulers are told; the policies need rights that the change of user takes away. */
export function compileAttributes(
  process: ProcessSpec,
  shared: SharedAttributes,
  isExec: boolean,
): readonly ProcessStep[] {
  return [
    ...(isExec ? compileFinalAffinity(process) : []),
    ...compilePersonality(shared.personality),
    ...compileScheduler(process.scheduler),
    ...compileIoPriority(process.ioPriority),
    ...compileMemoryPolicy(shared.memoryPolicy),
  ];
}
