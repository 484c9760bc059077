import type { AbortSignal } from '../base/abort.ts';
import { DomainError, toError } from '../base/errors.ts';
import { openGate } from './delivery-gate.ts';
import type { DeliveryGate } from './delivery-gate.ts';

interface Poller<T> {
  readonly gate: DeliveryGate;
  readonly resolve: (event: T) => void;
  readonly reject: (error: Error) => void;
  unregister: () => void;
  /** Set while events wait for its gate to open. */
  leaveGate: (() => void) | undefined;
}

/** Events for long polls: they wait here when nobody polls, and each goes to exactly one poller, in order. */
export class EventQueue<T> {
  readonly #limit: number;
  readonly #events: T[] = [];
  readonly #pollers: Poller<T>[] = [];
  #isClosed = false;

  /** Beyond `limit` waiting events the oldest is dropped. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#events.length;
  }

  push(event: T): void {
    if (this.#events.length >= this.#limit) this.#events.shift();
    this.#events.push(event);
    this.#serve();
  }

  /** The next event; waits for one without limit. Nothing is taken when the signal fires first. */
  take(signal: AbortSignal, gate: DeliveryGate = openGate): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(toError(signal.reason));
        return;
      }
      if (this.#isClosed) {
        reject(new DomainError('internal', 'the sandbox is being destroyed'));
        return;
      }
      const poller: Poller<T> = { gate, resolve, reject, unregister: () => undefined, leaveGate: undefined };
      this.#pollers.push(poller);
      const leaveSignal = signal.onAbort((reason) => {
        this.#remove(poller);
        reject(toError(reason));
      });
      poller.unregister = () => {
        leaveSignal();
        poller.leaveGate?.();
      };
      this.#serve();
    });
  }

  #serve(): void {
    while (this.#events.length > 0) {
      const poller = this.#pollers.find((candidate) => candidate.gate.canReply);
      if (poller === undefined) {
        this.#waitForGates();
        return;
      }
      this.#remove(poller);
      poller.resolve(this.#events.shift() as T);
    }
  }

  /** Nobody's answer can be queued now: the first gate that opens is a second chance for the events that wait. */
  #waitForGates(): void {
    for (const poller of this.#pollers)
      poller.leaveGate ??= poller.gate.onceWritable(() => {
        poller.leaveGate = undefined;
        this.#serve();
      });
  }

  #remove(poller: Poller<T>): void {
    const index = this.#pollers.indexOf(poller);
    if (index >= 0) this.#pollers.splice(index, 1);
    poller.unregister();
  }

  /** Every poll, pending or to come, fails. */
  close(): void {
    this.#isClosed = true;
    for (const poller of this.#pollers.splice(0)) {
      poller.unregister();
      poller.reject(new DomainError('internal', 'the sandbox is being destroyed'));
    }
  }
}
