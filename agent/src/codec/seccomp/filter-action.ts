import {
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
} from '../../abi/constants.ts';
import { EPERM } from '../../abi/errno.ts';
import { invalidArgument } from '../../base/errors.ts';
import type { FilterAction } from './profile.ts';

const values: Readonly<Record<FilterAction, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_TRAP: SECCOMP_RET_TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET_ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET_TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET_ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET_LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET_USER_NOTIF,
};

/** Largest code of the actions that have one: MAX_ERRNO of the kernel's seccomp.c, which cuts off above it, and 16 bits for a tracer. */
const limits: Readonly<Partial<Record<FilterAction, number>>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 0xffff };

/** What the filter returns for an action; `code` is its errno or the tracer's message, EPERM by default. */
export function returnValue(action: FilterAction, code: number | undefined, field: string): number {
  const limit = limits[action];
  if (limit === undefined) {
    if (code !== undefined) throw invalidArgument(field, `${action} takes no value, got ${code}`);
    return values[action];
  }
  const data = code ?? EPERM;
  if (!Number.isInteger(data) || data < 0 || data > limit)
    throw invalidArgument(field, `${data} is not between 0 and ${limit}`);
  return values[action] + data;
}

/** Actions that let the call happen: an argument we cannot look at must not lead to one. */
export function isPermissive(value: number): boolean {
  return value === SECCOMP_RET_ALLOW || value === SECCOMP_RET_LOG;
}
