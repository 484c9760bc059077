import { invalidArgument } from '../../base/errors.ts';
import { firstWord, JUMP, LOAD_WORD, maxInstructions, maxShortJump, RETURN } from './instruction.ts';

/** Where control goes: an instruction that was emitted already, or the end of the program with this value. */
export type Target = { readonly at: number } | { readonly returns: number };

/**
 * Builds a program from its last instruction to its first. Jumps of classic BPF go forward only, so every target is known when a
 * jump is emitted, and so is the distance: one beyond 8 bits gets a trampoline (or a return of its own) right behind the jump,
 * and no offset can wrap. A position is counted from the end of the program and never changes.
 */
export class ProgramBuilder {
  /** Words in reverse: k before the first word. */
  readonly #words: number[] = [];
  #count = 0;
  /** Latest instruction that returns the value, and latest trampoline to a position. */
  readonly #returns = new Map<number, number>();
  readonly #trampolines: (number | undefined)[] = [];

  get length(): number {
    return this.#count;
  }

  #emit(code: number, k: number, jumpTrue = 0, jumpFalse = 0): number {
    if (this.#count === maxInstructions)
      throw invalidArgument('linux.seccomp', `the filter needs more than ${maxInstructions} instructions`);
    this.#words.push(k >>> 0, firstWord(code, jumpTrue, jumpFalse));
    return ++this.#count;
  }

  #isNear(position: number | undefined, spare: number): position is number {
    return position !== undefined && this.#count - position + spare <= maxShortJump;
  }

  /** A position with the effect of `target` that a short jump reaches even when `spare` more instructions come between. */
  #near(target: Target, spare: number): number {
    if ('returns' in target) {
      const existing = this.#returns.get(target.returns);
      if (this.#isNear(existing, spare)) return existing;
      const position = this.#emit(RETURN, target.returns);
      this.#returns.set(target.returns, position);
      return position;
    }
    if (this.#isNear(target.at, spare)) return target.at;
    const existing = this.#trampolines[target.at];
    if (this.#isNear(existing, spare)) return existing;
    const position = this.#emit(JUMP, this.#count - target.at);
    this.#trampolines[target.at] = position;
    return position;
  }

  /** A conditional jump with both ways out. */
  branch(code: number, k: number, whenTrue: Target, whenFalse: Target): Target {
    // The second may need an instruction, which moves the first one away by one.
    const jumpTrue = this.#near(whenTrue, 1);
    const jumpFalse = this.#near(whenFalse, 0);
    return { at: this.#emit(code, k, this.#count - jumpTrue, this.#count - jumpFalse) };
  }

  /** An instruction that goes on with the one emitted last. */
  prepend(code: number, k: number): Target {
    return { at: this.#emit(code, k) };
  }

  /** Loads a word and goes on with `next`, wherever that is. */
  load(offset: number, next: Target): Target {
    if ('returns' in next) this.#emit(RETURN, next.returns);
    else if (next.at !== this.#count) this.#emit(JUMP, this.#count - next.at);
    return this.prepend(LOAD_WORD, offset);
  }

  /** The words of the program in order, two for each instruction. */
  finish(): readonly number[] {
    return this.#words.reverse();
  }
}
