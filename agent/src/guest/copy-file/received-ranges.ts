import { DomainError } from '../../base/errors.ts';

/** Pieces with gaps between them; hosts send one after the other, so there is one. */
const MAX_RANGES = 1024;

/** Which bytes of a file have arrived. Offsets in bytes; a range ends before `end`. */
export class ReceivedRanges {
  /** In order, apart from each other. */
  #ranges: { readonly start: number; readonly end: number }[] = [];

  /** Adds `[start, end)`, which may overlap what is there. `resource_exhausted` when it would be in too many pieces. */
  add(start: number, end: number): void {
    if (start >= end) return;
    const before = this.#ranges.filter((range) => range.end < start);
    const after = this.#ranges.filter((range) => range.start > end);
    const touching = this.#ranges.slice(before.length, this.#ranges.length - after.length);
    const merged = {
      start: Math.min(start, touching[0]?.start ?? start),
      end: Math.max(end, touching.at(-1)?.end ?? end),
    };
    if (before.length + after.length >= MAX_RANGES)
      throw new DomainError('resource_exhausted', `a file in more than ${MAX_RANGES} separate pieces`);
    this.#ranges = [...before, merged, ...after];
  }

  /** True when every byte of `[0, size)` is there. */
  isComplete(size: number): boolean {
    const [first, second] = this.#ranges;
    return size === 0 || (second === undefined && first?.start === 0 && first.end >= size);
  }
}
