import { ESRCH } from '../../abi/errno.ts';
import { SysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { pidfdSignal } from '../../sys/process.ts';
import type { ExitStatus, Reaper } from '../../sys/reaper.ts';
import type { ContainerProcess, ProcessStdio } from '../types.ts';

/** A child made by a launch. Its exit is recorded once and kept; early and late waiters read the same status. */
export class LaunchedProcess implements ContainerProcess {
  readonly pid: number;
  readonly pidfd: Fd;
  readonly exit: Promise<ExitStatus>;
  #stdio: ProcessStdio | undefined;
  #status: ExitStatus | undefined;
  readonly #listeners = new Set<() => void>();

  /** To be called in the turn in which the child was made, so that the reaper cannot come first. */
  constructor(reaper: Reaper, child: { readonly pid: number; readonly pidfd: Fd }) {
    this.pid = child.pid;
    this.pidfd = child.pidfd;
    const { promise, resolve } = Promise.withResolvers<ExitStatus>();
    this.exit = promise;
    reaper.onExit(child.pid, (status) => {
      this.#status = status;
      // The number may belong to somebody else from now on; the descriptor must not be used for it.
      this.pidfd.close();
      resolve(status);
      const listeners = [...this.#listeners];
      this.#listeners.clear();
      for (const listener of listeners) listener();
    });
  }

  get stdio(): ProcessStdio {
    if (this.#stdio === undefined) throw new Error(`process ${this.pid} has no stdio yet`);
    return this.#stdio;
  }

  /** Set once the launch succeeded. */
  setStdio(stdio: ProcessStdio): void {
    this.#stdio = stdio;
  }

  get exitStatus(): ExitStatus | undefined {
    return this.#status;
  }

  signal(signal: number): void {
    if (this.#status !== undefined) {
      throw new SysError('pidfd_send_signal', ESRCH, 'ESRCH', `process ${this.pid} signal ${signal}`);
    }
    pidfdSignal(this.pidfd, signal);
  }

  /** Waits for the exit, at most `ms`; true when it came. Leaves nothing behind on the exit promise. */
  waitExit(loop: EventLoop, ms: number): Promise<boolean> {
    if (this.#status !== undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const onExit = (): void => {
        timer.cancel();
        resolve(true);
      };
      const timer = loop.setTimer(ms, () => {
        this.#listeners.delete(onExit);
        resolve(false);
      });
      this.#listeners.add(onExit);
    });
  }

  /** Calls back on exit; at once when that was before. */
  onExit(listener: () => void): void {
    if (this.#status !== undefined) listener();
    else this.#listeners.add(listener);
  }
}
