import type { AbortSignal } from '../base/abort.ts';
import { toError } from '../base/errors.ts';
import type { ContainerProcess } from '../libcontainer/types.ts';
import { duplicate } from '../sys/descriptor.ts';
import type { EventLoop } from '../sys/loop.ts';
import { exitNumber } from '../sys/reaper.ts';
import { setWindowSize } from '../sys/terminal.ts';
import type { WindowSize } from '../sys/terminal.ts';
import type { Fd } from '../sys/fd.ts';
import { InputStream } from './input-stream.ts';
import { OutputStream } from './output-stream.ts';
import type { PassfdStreams } from './passfd/passfd-streams.ts';
import type { ProcessInput, ProcessOutput } from './process-streams.ts';

/** Joins the streams of a process to connections of the host. */
export type JoinStreams = (process: ContainerProcess) => PassfdStreams;

interface Waiter {
  readonly resolve: (status: number) => void;
  unregister: () => void;
}

/**
 * A process of a container with its streams and its exit. The exit is recorded once and kept; early and late waiters read
 * the same status.
 */
export class SandboxProcess {
  /** The id it is addressed by; a container's first process has the container's id. */
  readonly id: string;
  readonly process: ContainerProcess;
  readonly stdin: ProcessInput;
  readonly stdout: ProcessOutput;
  /** The same stream as stdout when the process has a terminal. */
  readonly stderr: ProcessOutput;
  readonly #terminal: Fd | undefined;
  readonly #waiters = new Set<Waiter>();
  #status: number | undefined;

  /** `join`: for streams that do not go through the API. */
  constructor(loop: EventLoop, id: string, process: ContainerProcess, join?: JoinStreams) {
    this.id = id;
    this.process = process;
    const { stdio } = process;
    const passfd = join?.(process);
    if (stdio.kind === 'terminal') {
      this.#terminal = stdio.master;
      // Reading and writing wait independently, so each needs a descriptor of its own in the event loop.
      this.stdin = passfd?.stdin ?? new InputStream(loop, duplicate(stdio.master), true);
      this.stdout = passfd?.stdout ?? new OutputStream(loop, stdio.master);
      this.stderr = this.stdout;
    } else {
      if (stdio.kind !== 'pipes') throw new Error('the sandbox keeps the streams of its processes');
      this.stdin = passfd?.stdin ?? new InputStream(loop, stdio.stdin, false);
      this.stdout = passfd?.stdout ?? new OutputStream(loop, stdio.stdout);
      this.stderr = passfd?.stderr ?? new OutputStream(loop, stdio.stderr);
    }
    void process.exit.then((status) => {
      this.stdout.processExited();
      if (this.stderr !== this.stdout) this.stderr.processExited();
      // Hosts take the exit for the end of the output on their connections (lifecycle 5.2).
      if (passfd === undefined) this.#exited(exitNumber(status));
      else void passfd.drained.then(() => this.#exited(exitNumber(status)));
    });
  }

  /** The number hosts expect, once the process was reaped. */
  get exitStatus(): number | undefined {
    return this.#status;
  }

  /** Settles with the exit status. Ends at once when the signal fires. */
  wait(signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#status !== undefined) {
        resolve(this.#status);
        return;
      }
      const waiter: Waiter = { resolve, unregister: () => undefined };
      this.#waiters.add(waiter);
      waiter.unregister = signal.onAbort((reason) => {
        this.#waiters.delete(waiter);
        reject(toError(reason));
      });
    });
  }

  /** False when the process has no terminal. */
  resize(size: WindowSize): boolean {
    if (this.#terminal === undefined) return false;
    setWindowSize(this.#terminal, size);
    return true;
  }

  /** Closes the agent's ends of the streams; reads in flight see the end. */
  closeStreams(): void {
    this.stdin.close();
    this.stdout.close();
    if (this.stderr !== this.stdout) this.stderr.close();
  }

  #exited(status: number): void {
    this.#status = status;
    for (const waiter of this.#waiters) {
      waiter.unregister();
      waiter.resolve(status);
    }
    this.#waiters.clear();
  }
}
