/** What the kernel's schedulers know about the calling process: CPU, block I/O and memory placement. */
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { syscall } from './syscall.ts';

/** sched_setattr(2), version 0. Numbers as in linux/sched.h. */
export interface SchedulerAttributes {
  readonly policy: number;
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  /** Nanoseconds, for SCHED_DEADLINE. */
  readonly runtime: bigint;
  readonly deadline: bigint;
  readonly period: bigint;
}

/** Sets policy and parameters of this process. EPERM: needs CAP_SYS_NICE or a resource limit; EBUSY: no bandwidth left for a deadline task. */
export function setScheduler(attributes: SchedulerAttributes): void {
  const at = layouts.sched_attr;
  const { policy, flags, nice, priority, runtime, deadline, period } = attributes;
  const view = new StructView(at.sizeof)
    .setU32(at.size, at.sizeof)
    .setU32(at.sched_policy, policy)
    .setU64(at.sched_flags, flags)
    .setU32(at.sched_nice, nice >>> 0)
    .setU32(at.sched_priority, priority)
    .setU64(at.sched_runtime, runtime)
    .setU64(at.sched_deadline, deadline)
    .setU64(at.sched_period, period);
  syscall(
    'sched_setattr',
    `policy ${policy} nice ${nice} priority ${priority}`,
    nr.SYS_sched_setattr,
    0,
    view.bytes,
    0,
  );
}

/** IOPRIO_WHO_PROCESS (linux/ioprio.h); 0 is the calling process. */
const ioPriorityWhoProcess = 1;
/** The class sits above the 13 bits of its data. */
const ioPriorityClassShift = 13;

/** ioprio_set(2). Class 0 is the default, derived from the nice value. */
export function setIoPriority(ioClass: number, priority: number): void {
  const value = (ioClass << ioPriorityClassShift) | priority;
  syscall('ioprio_set', `class ${ioClass} priority ${priority}`, nr.SYS_ioprio_set, ioPriorityWhoProcess, 0, value);
}

/** sched_setaffinity(2). The kernel takes away what the cpuset does not allow; EINVAL: nothing is left. */
export function setAffinity(mask: Uint8Array): void {
  syscall('sched_setaffinity', '', nr.SYS_sched_setaffinity, 0, mask.length, mask);
}

/** set_mempolicy(2). `mode` holds the flags as well; an empty mask is no mask. */
export function setMemoryPolicy(mode: number, nodes: Uint8Array): void {
  // The kernel looks at one bit less than it is told.
  const maxNode = nodes.length === 0 ? 0 : nodes.length * 8 + 1;
  const mask = nodes.length === 0 ? null : nodes;
  syscall('set_mempolicy', `mode 0x${mode.toString(16)}`, nr.SYS_set_mempolicy, mode, mask, maxNode);
}

/** personality(2). Returns the old one. */
export function setPersonality(persona: number): number {
  return syscall('personality', `0x${persona.toString(16)}`, nr.SYS_personality, persona);
}
