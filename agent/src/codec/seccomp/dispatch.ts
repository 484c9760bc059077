import { emitCondition } from './condition.ts';
import type { ConditionalRule, Verdict } from './call-rules.ts';
import { JUMP_EQUAL, JUMP_GREATER_EQUAL } from './instruction.ts';
import type { ProgramBuilder, Target } from './program-builder.ts';

/** What happens to the numbers from `first` up to the next range. */
export interface CallRange {
  readonly first: number;
  readonly verdict: Verdict;
  readonly isNarrow: boolean;
}

/** A sorted list of ranges that covers all numbers, neighbours merged. */
export class CallRanges {
  readonly list: CallRange[] = [];

  /** Continues the list at `first`. */
  add(first: number, verdict: Verdict, isNarrow: boolean): void {
    const last = this.list.at(-1);
    if (last?.verdict === verdict && (typeof verdict === 'number' || last.isNarrow === isNarrow)) return;
    this.list.push({ first, verdict, isNarrow });
  }
}

/** Emits the code that finds the verdict on a call whose number is in the accumulator. */
export class Dispatch {
  readonly #builder: ProgramBuilder;
  readonly #fallback: Target;
  readonly #ranges: readonly CallRange[];
  /** Code of rules that several calls share. */
  readonly #emitted = { wide: new Map<Verdict, Target>(), narrow: new Map<Verdict, Target>() };

  constructor(builder: ProgramBuilder, ranges: readonly CallRange[], fallback: number) {
    this.#builder = builder;
    this.#ranges = ranges;
    this.#fallback = { returns: fallback };
  }

  emit(): Target {
    return this.#tree(0, this.#ranges.length - 1);
  }

  #range(index: number): CallRange {
    const range = this.#ranges[index];
    if (range === undefined) throw new RangeError(`no range ${index}`);
    return range;
  }

  /** A balanced binary search; one number between two ranges of the same verdict takes a single comparison. */
  #tree(from: number, to: number): Target {
    if (from === to) return this.#verdict(this.#range(from));
    if (to - from === 2) {
      const [before, single, after] = [this.#range(from), this.#range(from + 1), this.#range(to)];
      if (before.verdict === after.verdict && typeof before.verdict === 'number' && after.first - single.first === 1) {
        const found = this.#verdict(single);
        return this.#builder.branch(JUMP_EQUAL, single.first, found, { returns: before.verdict });
      }
    }
    const middle = (from + to + 1) >> 1;
    const right = this.#tree(middle, to);
    const left = this.#tree(from, middle - 1);
    return this.#builder.branch(JUMP_GREATER_EQUAL, this.#range(middle).first, right, left);
  }

  #verdict({ verdict, isNarrow }: CallRange): Target {
    if (typeof verdict === 'number') return { returns: verdict };
    const emitted = isNarrow ? this.#emitted.narrow : this.#emitted.wide;
    const existing = emitted.get(verdict);
    if (existing !== undefined) return existing;
    const target = this.#rules(verdict, isNarrow);
    emitted.set(verdict, target);
    return target;
  }

  /** The first rule whose conditions all hold. */
  #rules(rules: readonly ConditionalRule[], isNarrow: boolean): Target {
    let next = this.#fallback;
    for (const { conditions, value } of rules.toReversed()) {
      let holds: Target = { returns: value };
      for (const condition of conditions.toReversed()) {
        holds = emitCondition(this.#builder, condition, isNarrow, holds, next);
      }
      next = holds;
    }
    return next;
  }
}
