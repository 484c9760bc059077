import type { AbortSignal } from '../../base/abort.ts';
import { describeError } from '../../base/errors.ts';
import { deviceError } from './device-error.ts';

/** Starts a timer; the returned function cancels it. */
export type StartTimer = (delayMs: number, onExpiry: () => void) => () => void;

export interface DeviceRequest<T> {
  /** What is awaited, for the error text, e.g. `virtio-blk at PCI path 02/03`. */
  readonly what: string;
  /**
   * Looks for the device now; undefined while it is not there. May throw to give up at once. It only looks at the
   * kernel's files: an event is a hint to look again, never a fact, since a workload can forge events (LIV-08).
   */
  readonly probe: () => T | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Waiter {
  /** Looks once; true when the wait is over. */
  readonly look: (isLastChance: boolean) => boolean;
}

/**
 * Waits for devices to appear.
 *
 * The kernel's files are looked at before and after every hint, so it makes no difference whether the event came before
 * the request, after it, at boot before anybody listened, or was lost. Nothing is remembered about events, so their number
 * costs no memory (LIV-07).
 */
export class DeviceWaiters {
  readonly #startTimer: StartTimer;
  readonly #waiters = new Set<Waiter>();

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  /** True while somebody waits: only then do events need to be read for their meaning. */
  get isNeeded(): boolean {
    return this.#waiters.size > 0;
  }

  /** Something may have changed: everybody looks again. */
  rescan(): void {
    for (const waiter of [...this.#waiters]) waiter.look(false);
  }

  /**
   * Resolves with what `probe` finds. Rejects with `Timeout after 3s waiting for uevent ...` (text of the contract), with
   * the probe's error, or with the signal's reason.
   */
  wait<T>(request: DeviceRequest<T>): Promise<T> {
    const { what, probe, timeoutMs, signal } = request;
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      let cancelTimer = (): void => undefined;
      let forgetSignal = (): void => undefined;
      const finish = (settle: () => void): true => {
        this.#waiters.delete(waiter);
        cancelTimer();
        forgetSignal();
        settle();
        return true;
      };
      const waiter: Waiter = {
        look: (isLastChance) => {
          try {
            const found = probe();
            if (found !== undefined) return finish(() => resolve(found));
          } catch (error) {
            return finish(() => reject(error instanceof Error ? error : deviceError(describeError(error))));
          }
          if (!isLastChance) return false;
          const seconds = timeoutMs / 1000;
          return finish(() => reject(deviceError(`Timeout after ${seconds}s waiting for uevent ${what}`)));
        },
      };
      if (waiter.look(false)) return;
      this.#waiters.add(waiter);
      cancelTimer = this.#startTimer(timeoutMs, () => void waiter.look(true));
      forgetSignal = signal.onAbort((reason) => void finish(() => reject(reason)));
    });
  }
}
