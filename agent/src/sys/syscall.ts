import { errnoName } from '../abi/errno.ts';
import { SysError } from '../base/sys-error.ts';
import { retriedSyscall } from './engine.ts';
import type { SyscallArg } from './engine.ts';

/** Result or -errno, retried on EINTR. For hot paths, where making an error object would cost more than the call. */
export const trySyscall = retriedSyscall;

/** The SysError for a negative result. */
export function sysError(call: string, result: number, subject = ''): SysError {
  return new SysError(call, -result, errnoName(-result), subject);
}

/**
 * A system call that throws. `call` names it and `subject` tells what it was about, for the error text; the numbers follow.
 * Retried on EINTR, so never use it for close(2).
 */
export function syscall(
  call: string,
  subject: string,
  number: number,
  // Not a rest parameter: launching a container makes some 500 calls, and each would make and spread an array.
  a: SyscallArg = 0,
  b: SyscallArg = 0,
  c: SyscallArg = 0,
  d: SyscallArg = 0,
  e: SyscallArg = 0,
  f: SyscallArg = 0,
): number {
  const result = retriedSyscall(number, a, b, c, d, e, f);
  if (result < 0) throw sysError(call, result, subject);
  return result;
}
