import { invalidArgument } from '../base/errors.ts';
import { isNumberList } from './number-list.ts';
import { ioPriorityClasses, schedulerFlags, schedulerPolicies } from './scheduler-names.ts';
import type { ProcessSpec, SchedulerSpec } from './spec.ts';

/** Shortest run time of a deadline task in nanoseconds: 2^DL_SCALE (kernel/sched/sched.h). */
const minDeadlineRuntime = 1024n;

function checkDeadline({ runtime, deadline, period }: SchedulerSpec, field: string): void {
  if (runtime < minDeadlineRuntime)
    throw invalidArgument(`${field}.runtime`, `${runtime} ns, at least ${minDeadlineRuntime} are possible`);
  if (deadline < runtime)
    throw invalidArgument(`${field}.deadline`, `${deadline} ns is below the runtime of ${runtime} ns`);
  // A period of 0 means that of the deadline.
  if (period !== 0n && period < deadline)
    throw invalidArgument(`${field}.period`, `${period} ns is below the deadline of ${deadline} ns`);
  for (const [name, value] of [
    ['deadline', deadline],
    ['period', period],
  ] as const) {
    if (value >> 63n !== 0n) throw invalidArgument(`${field}.${name}`, `${value} ns does not fit in 63 bits`);
  }
}

function checkScheduler(scheduler: SchedulerSpec, field: string): void {
  const { policy, nice, priority, flags } = scheduler;
  if (!schedulerPolicies.has(policy))
    throw invalidArgument(`${field}.policy`, `unknown policy ${JSON.stringify(policy)}`);
  flags.forEach((flag, index) => {
    if (!schedulerFlags.has(flag))
      throw invalidArgument(`${field}.flags[${index}]`, `unknown flag ${JSON.stringify(flag)}`);
  });
  if (nice < -20 || nice > 19) throw invalidArgument(`${field}.nice`, `${nice} is not within -20..19`);
  const isRealtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  if (isRealtime && (priority < 1 || priority > 99))
    throw invalidArgument(`${field}.priority`, `${priority} is not within 1..99, as ${policy} needs it`);
  if (!isRealtime && priority !== 0)
    throw invalidArgument(`${field}.priority`, `${priority}: only SCHED_FIFO and SCHED_RR have priorities`);
  if (policy === 'SCHED_DEADLINE') return checkDeadline(scheduler, field);
  for (const name of ['runtime', 'deadline', 'period'] as const) {
    if (scheduler[name] !== 0n) throw invalidArgument(`${field}.${name}`, 'only SCHED_DEADLINE has it');
  }
}

/** Scheduler, io priority and cpu affinity of a process by the rules of sched_setattr(2), ioprio_set(2) and cpuset(7). */
export function checkScheduling(process: ProcessSpec, field: string): void {
  const { scheduler, ioPriority, execCpuAffinity } = process;
  if (scheduler !== undefined) checkScheduler(scheduler, `${field}.scheduler`);
  if (ioPriority !== undefined) {
    if (!ioPriorityClasses.has(ioPriority.class))
      throw invalidArgument(`${field}.ioPriority.class`, `unknown class ${JSON.stringify(ioPriority.class)}`);
    if (ioPriority.priority < 0 || ioPriority.priority > 7)
      throw invalidArgument(`${field}.ioPriority.priority`, `${ioPriority.priority} is not within 0..7`);
  }
  for (const name of ['initial', 'final'] as const) {
    const list = execCpuAffinity?.[name];
    if (list !== undefined && !isNumberList(list))
      throw invalidArgument(`${field}.execCPUAffinity.${name}`, `${JSON.stringify(list.slice(0, 80))} is not a list`);
  }
}
