import { exitCodeOfSignal } from '../sdk/exit-status.ts';

/** Signals by which a person or a service manager ends a command. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The reason of an abort that a signal caused; the exit code is that of a shell. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = exitCodeOfSignal(signal);
  }
}

/**
 * What ending signals do, in two phases: they abort whatever is under way, until `forward` hands them to a process
 * that is to decide for itself. Then the first is passed on, and a second one, or `graceMs` without effect, aborts after all.
 */
export class Interruption implements Disposable {
  readonly #abort = new AbortController();
  #deliver: ((signal: NodeJS.Signals) => void) | undefined;
  #graceMs = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#receive(signal);

  constructor() {
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Aborted with an InterruptedError. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** From now on, signals go to `deliver` first. */
  forward(deliver: (signal: NodeJS.Signals) => void, graceMs: number): void {
    this.#deliver = deliver;
    this.#graceMs = graceMs;
  }

  #receive(signal: NodeJS.Signals): void {
    const deliver = this.#deliver;
    if (deliver === undefined || this.#timer !== undefined) {
      this.#abort.abort(new InterruptedError(signal));
      return;
    }
    this.#timer = setTimeout(() => this.#abort.abort(new InterruptedError(signal)), this.#graceMs);
    deliver(signal);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#onSignal);
  }
}
