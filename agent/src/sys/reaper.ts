/**
 * Collects the exit status of every child, adopted orphans included.
 *
 * A child is registered in the turn in which it was made, and the reaper runs in a later one, so no status can be missed or
 * stolen: the number of an unreaped child cannot be reused.
 */
import { CLD_EXITED, P_ALL, SIGCHLD, WEXITED, WNOHANG } from '../abi/constants.ts';
import { ECHILD } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { SYS_waitid } from '../abi/syscalls.ts';
import type { EventLoop } from './loop.ts';
import { watchSignals } from './signal.ts';
import type { ExitStatus } from './process.ts';
import { sysError, trySyscall } from './syscall.ts';

export type { ExitStatus };

/** The number hosts expect: the exit code, or 128 plus the signal (lifecycle 5.2). */
export function exitNumber(status: ExitStatus): number {
  return status.kind === 'exited' ? status.code : 128 + status.signal;
}

/** Zombies collected in one turn; a burst must not keep requests waiting (LIV-05). */
const PER_TURN = 128;
/** Children made by clone without SIGCHLD count too. */
const WALL = 0x40000000;

export class Reaper {
  readonly #loop: EventLoop;
  /** By pid; a null-prototype object, because integer keys make a Map slow here (engine-facts 8). */
  readonly #watched: Record<number, (status: ExitStatus) => void> = Object.create(null) as Record<
    number,
    (status: ExitStatus) => void
  >;
  readonly #info = new StructView(layouts.siginfo_t.sizeof);
  #isScheduled = false;
  #reaped = 0;

  constructor(loop: EventLoop) {
    this.#loop = loop;
    watchSignals(loop, [SIGCHLD], () => this.#schedule());
    this.#schedule();
  }

  /** How many children were collected since the start. */
  get reaped(): number {
    return this.#reaped;
  }

  /** Settles with the status of a child made in this very turn. Never rejects. */
  watch(pid: number): Promise<ExitStatus> {
    return new Promise((resolve) => this.onExit(pid, resolve));
  }

  /** The same with a callback, which must not throw. */
  onExit(pid: number, callback: (status: ExitStatus) => void): void {
    if (this.#watched[pid] !== undefined) throw new Error(`process ${pid} is being watched already`);
    this.#watched[pid] = callback;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#loop.soon(() => {
      this.#isScheduled = false;
      this.#reap();
    });
  }

  #reap(): void {
    const at = layouts.siginfo_t;
    for (let count = 0; count < PER_TURN; count++) {
      this.#info.setU32(at.si_pid, 0);
      const result = trySyscall(SYS_waitid, P_ALL, 0, this.#info.bytes, WEXITED | WNOHANG | WALL, null);
      if (result === -ECHILD) return;
      if (result < 0) throw sysError('waitid', result);
      const pid = this.#info.i32(at.si_pid);
      if (pid === 0) return;
      this.#reaped += 1;
      const callback = this.#watched[pid];
      if (callback === undefined) continue;
      delete this.#watched[pid];
      const value = this.#info.i32(at.si_status);
      const isExit = this.#info.i32(at.si_code) === CLD_EXITED;
      callback(isExit ? { kind: 'exited', code: value } : { kind: 'signalled', signal: value });
    }
    this.#schedule();
  }
}
