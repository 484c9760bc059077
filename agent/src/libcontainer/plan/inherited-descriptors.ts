/** Where the launched program finds its plan and its end of the sync socket. */
export const planDescriptor = 3;
export const syncDescriptor = 4;
/** First number free for namespaces and the like. */
export const firstFreeDescriptor = 5;

/**
 * Hands out the child's descriptor numbers while a plan is compiled, and remembers which of the caller's things belongs to
 * each. `T` is the parent's descriptor type; the plan itself sees numbers only.
 */
export class InheritedDescriptors<T> {
  readonly #sources: T[] = [];

  /** Reserves the next number for `source`. */
  add(source: T): number {
    this.#sources.push(source);
    return firstFreeDescriptor + this.#sources.length - 1;
  }

  /** In the order of their numbers, the first being `firstFreeDescriptor`. */
  get sources(): readonly T[] {
    return this.#sources;
  }
}
