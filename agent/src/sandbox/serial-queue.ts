/**
 * Runs operations one after the other. Each container has one: lifecycle calls of one container queue up, those of
 * different containers do not (style, principle 23).
 */
export class SerialQueue {
  #tail: Promise<void> = Promise.resolve();
  #length = 0;

  /** Operations running or waiting. */
  get length(): number {
    return this.#length;
  }

  /** Runs `operation` after all earlier ones ended, however they ended. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#length += 1;
    const result = this.#tail.then(operation).finally(() => {
      this.#length -= 1;
    });
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
