/** Memory for large frames, shared by all connections. */
export interface FrameBudget {
  /** Takes `bytes` from the budget; false when they are not there. */
  reserve(bytes: number): boolean;
  /** Gives `bytes` back. */
  release(bytes: number): void;
}

/** Frames up to this size are taken without asking: all calls but bulk data fit. */
export const UNBUDGETED_FRAME_LENGTH = 64 << 10;

/** What all large frames of all connections may hold together: four of the largest. */
export const SHARED_FRAME_BUDGET = 16 << 20;

/** A budget of a fixed size. */
export class FixedFrameBudget implements FrameBudget {
  #free: number;

  constructor(bytes: number = SHARED_FRAME_BUDGET) {
    this.#free = bytes;
  }

  /** Bytes not reserved. */
  get free(): number {
    return this.#free;
  }

  reserve(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  release(bytes: number): void {
    this.#free += bytes;
  }
}

/** For a peer that talks to one server only, and for tests. */
export const unlimitedFrameBudget: FrameBudget = { reserve: () => true, release: () => undefined };
