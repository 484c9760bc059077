import { SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_SET_MODE_FILTER } from '../abi/constants.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { addressOf } from './engine.ts';
import { Fd } from './fd.ts';
import { syscall } from './syscall.ts';

/**
 * seccomp(2): puts a filter on this process for good. `words` are two for each `struct sock_filter`, in memory order. Needs
 * no_new_privs or CAP_SYS_ADMIN. Gives the listener when `flags` ask for one.
 */
export function setSeccompFilter(words: readonly number[], flags: number): Fd | undefined {
  const at = layouts.sock_fprog;
  // Kept until the call is over: the structure points at it.
  const program = new Uint8Array(Uint32Array.from(words).buffer);
  const view = new StructView(at.sizeof).setU16(at.len, words.length / 2).setU64(at.filter, addressOf(program));
  const subject = `filter of ${words.length / 2} instructions, flags 0x${flags.toString(16)}`;
  const result = syscall('seccomp', subject, nr.SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, view.bytes);
  return (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) === 0 ? undefined : new Fd(result, 'seccomp listener');
}
