/** Advisory locks on open files (flock(2)): they end with the descriptor, so a crash leaves none behind. */
import { EAGAIN } from '../abi/errno.ts';
import { LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from '../abi/constants.ts';
import { SYS_flock } from '../abi/syscalls.ts';
import type { Fd } from './fd.ts';
import { setSignalMask } from './process.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

const operations = { exclusive: LOCK_EX, shared: LOCK_SH } as const;

/** Waits, with the whole program, until the lock is ours. A signal may end the program meanwhile: nothing is under way yet. */
export function lock(fd: Fd, kind: keyof typeof operations): void {
  if (tryLock(fd, kind)) return;
  const mask = setSignalMask(0n);
  try {
    syscall('flock', fd.what, SYS_flock, fd.number, operations[kind]);
  } finally {
    setSignalMask(mask);
  }
}

/** Takes the lock if that needs no waiting; false when somebody else has it. */
export function tryLock(fd: Fd, kind: keyof typeof operations): boolean {
  const result = trySyscall(SYS_flock, fd.number, operations[kind] | LOCK_NB);
  if (result < 0 && result !== -EAGAIN) throw sysError('flock', result, fd.what);
  return result >= 0;
}

/** Gives the lock back; the file stays open. */
export function unlock(fd: Fd): void {
  syscall('flock', fd.what, SYS_flock, fd.number, LOCK_UN);
}
