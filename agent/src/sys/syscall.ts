import { EINTR, errnoName } from '../abi/errno.ts';
import { SysError } from '../base/sys-error.ts';
import { rawSyscall } from './engine.ts';
import type { SyscallArg } from './engine.ts';

/** Result or -errno, retried on EINTR. For hot paths, where making an error object would cost more than the call. */
export function trySyscall(number: number, ...args: SyscallArg[]): number {
  for (;;) {
    const result = rawSyscall(number, ...args);
    if (result !== -EINTR) return result;
  }
}

/** The SysError for a negative result. */
export function sysError(call: string, result: number, subject = ''): SysError {
  return new SysError(call, -result, errnoName(-result), subject);
}

/**
 * A system call that throws. `call` names it and `subject` tells what it was about, for the error text; the numbers follow.
 * Retried on EINTR, so never use it for close(2).
 */
export function syscall(call: string, subject: string, number: number, ...args: SyscallArg[]): number {
  const result = trySyscall(number, ...args);
  if (result < 0) throw sysError(call, result, subject);
  return result;
}
