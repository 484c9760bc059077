type Undo = () => void | Promise<void>;

/**
 * Undo beside do: each acquisition registers its release; failure unwinds in reverse.
 *
 * `await using scope = new Scope()` unwinds on any exit; call `commit()` when everything worked and the releases must
 * not run. Every release runs even when an earlier one throws; the failures are reported together.
 */
export class Scope {
  #undos: Undo[] = [];

  /** Registers a release that runs when the scope unwinds (last registered runs first). */
  defer(undo: Undo): void {
    this.#undos.push(undo);
  }

  /** Adopts a disposable resource and returns it. */
  use<T extends Disposable>(resource: T): T {
    this.#undos.push(() => resource[Symbol.dispose]());
    return resource;
  }

  /** Forgets all releases: the work is complete and now owned by somebody else. */
  commit(): void {
    this.#undos = [];
  }

  /** Moves all releases into a new scope, leaving this one empty. */
  move(): Scope {
    const moved = new Scope();
    moved.#undos = this.#undos;
    this.#undos = [];
    return moved;
  }

  /** Runs the releases in reverse order. Throws the only failure, or an AggregateError of all. */
  async unwind(): Promise<void> {
    const failures: unknown[] = [];
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'several releases failed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unwind();
  }
}
