/**
 * Collects the exit status of every child, adopted orphans included.
 *
 * A child is registered in the turn in which it was made, and the reaper runs in a later one, so no status can be missed or
 * stolen: the number of an unreaped child cannot be reused.
 */
import { CLD_EXITED, P_ALL, P_PID, SIGCHLD, WEXITED, WNOHANG, WNOWAIT } from '../abi/constants.ts';
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
  #leaves = false;
  #reaped = 0;

  constructor(loop: EventLoop) {
    this.#loop = loop;
    // The signal is blocked and waits to be read, so nobody is missed: what is done before the first turn need not wait for this.
    loop.soon(() => watchSignals(loop, [SIGCHLD], () => this.#schedule()));
    this.#schedule();
  }

  /** How many children were collected since the start. */
  get reaped(): number {
    return this.#reaped;
  }

  /**
   * From now on statuses are told and the children left as they are: whoever inherits them when this program ends collects them
   * (conmon, a containerd shim), and would wait for ever for one that was collected here.
   */
  leaveChildren(): void {
    this.#leaves = true;
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
    if (this.#leaves) {
      for (const pid of Object.keys(this.#watched)) this.#tell(this.#wait(P_PID, Number(pid), WNOWAIT));
      return;
    }
    for (let count = 0; count < PER_TURN; count++) {
      const pid = this.#wait(P_ALL, 0, 0);
      if (pid === 0) return;
      this.#reaped += 1;
      this.#tell(pid);
    }
    this.#schedule();
  }

  /** The number of a child that has ended, 0 when there is none; `#info` holds what became of it. */
  #wait(kind: number, id: number, flags: number): number {
    const at = layouts.siginfo_t;
    this.#info.setU32(at.si_pid, 0);
    const result = trySyscall(SYS_waitid, kind, id, this.#info.bytes, WEXITED | WNOHANG | WALL | flags, null);
    if (result === -ECHILD) return 0;
    if (result < 0) throw sysError('waitid', result);
    return this.#info.i32(at.si_pid);
  }

  #tell(pid: number): void {
    const at = layouts.siginfo_t;
    const callback = this.#watched[pid];
    if (callback === undefined) return;
    delete this.#watched[pid];
    const value = this.#info.i32(at.si_status);
    const isExit = this.#info.i32(at.si_code) === CLD_EXITED;
    callback(isExit ? { kind: 'exited', code: value } : { kind: 'signalled', signal: value });
  }
}
