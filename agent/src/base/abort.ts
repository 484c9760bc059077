import { DomainError } from './errors.ts';

type Listener = (reason: unknown) => void;

/**
 * A small stand-in for the web's AbortSignal, which the engine lacks: deadline and disconnect reach handlers through it.
 * Listeners are registered and unregistered explicitly, because a promise that stays pending would keep every
 * reaction for ever.
 */
export class AbortSignal {
  #reason: unknown = undefined;
  #aborted = false;
  #listeners = new Set<Listener>();

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Calls `listener` once on abort (at once when already aborted). Returns the function that unregisters it. */
  onAbort(listener: Listener): () => void {
    if (this.#aborted) {
      listener(this.#reason);
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** Used by AbortController only. */
  trigger(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(reason);
  }
}

/** The side that aborts. */
export class AbortController {
  readonly signal = new AbortSignal();

  abort(reason: unknown = new DomainError('cancelled', 'cancelled')): void {
    this.signal.trigger(reason);
  }
}

/** A signal that never fires, for callers without deadline. */
export const neverAborted: AbortSignal = new AbortSignal();
