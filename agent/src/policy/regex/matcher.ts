import { spend } from '../fuel.ts';
import { classHas } from './character-class.ts';
import type { Assertion } from './node.ts';
import type { Instruction, RegexProgram } from './program.ts';

/** Positions of the match and its groups, two each; -1 where a group took no part. */
export type Captures = readonly number[];

interface Threads {
  readonly at: number[];
  /** Captures of each, when they are wanted. */
  readonly captures: Captures[];
}

function isWord(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f
  );
}

/**
 * Follows all ways through the program at once, one character after another: time is bounded by the length of the text times the size of the
 * program, whatever the expression (unlike the engine's own expressions, which try one way after another).
 */
export class Matcher {
  readonly #program: RegexProgram;
  /** For each instruction the last position at which it was added; saves clearing a set for each character. */
  readonly #seen: Int32Array;
  #text = '';
  #wantsCaptures = false;
  /** Distinguishes the positions of this run from those of earlier ones. */
  #generation = 0;

  constructor(program: RegexProgram) {
    this.#program = program;
    this.#seen = new Int32Array(program.instructions.length);
  }

  get groupNames(): ReadonlyMap<string, number> {
    return this.#program.groupNames;
  }

  test(text: string): boolean {
    return this.#run(text, 0, false) !== undefined;
  }

  /** The first match at or after `from`: the leftmost, and of these the one that the expression prefers. */
  find(text: string, from: number): Captures | undefined {
    return this.#run(text, from, true);
  }

  #run(text: string, from: number, wantsCaptures: boolean): Captures | undefined {
    const { instructions, isAnchored, prefix, slotCount } = this.#program;
    this.#text = text;
    this.#wantsCaptures = wantsCaptures;
    const none: Captures = wantsCaptures ? new Array<number>(slotCount).fill(-1) : [];
    let current: Threads = { at: [], captures: [] };
    let next: Threads = { at: [], captures: [] };
    let match: Captures | undefined;
    for (let position = from; ;) {
      if (current.at.length === 0) {
        if (match !== undefined || (isAnchored && position > 0)) return match;
        if (prefix !== '') {
          // Nothing is under way: go where a match can begin.
          const start = isAnchored ? (text.startsWith(prefix) ? 0 : -1) : text.indexOf(prefix, position);
          spend(1 + (((start === -1 ? text.length : start) - position) >> 7));
          if (start === -1) return undefined;
          position = start;
        }
      }
      this.#begin();
      // The closure of threads that came along was computed when they were added; this one has the least priority.
      for (const at of current.at) this.#seen[at] = this.#generation;
      if (match === undefined && (!isAnchored || position === 0)) this.#add(current, 0, position, none);
      spend(1 + current.at.length);
      const code = position < text.length ? (text.codePointAt(position) as number) : -1;
      const after = position + (code > 0xffff ? 2 : 1);
      this.#begin();
      for (let index = 0; index < current.at.length; index++) {
        const at = current.at[index] as number;
        const instruction = instructions[at] as Instruction;
        if (instruction.kind === 'match') {
          if (!wantsCaptures) return none;
          match = current.captures[index];
          // What follows has less priority.
          break;
        }
        if (code !== -1 && consumes(instruction, code))
          this.#add(next, at + 1, after, wantsCaptures ? (current.captures[index] as Captures) : none);
      }
      if (code === -1) return match;
      [current, next] = [next, current];
      next.at.length = 0;
      next.captures.length = 0;
      position = after;
    }
  }

  #begin(): void {
    if (++this.#generation < 0x7fffffff) return;
    this.#seen.fill(0);
    this.#generation = 1;
  }

  /** Adds the instructions that are reached from `start` without a character, in order of preference. */
  #add(threads: Threads, start: number, position: number, captures: Captures): void {
    const { instructions } = this.#program;
    const stack: { at: number; captures: Captures }[] = [{ at: start, captures }];
    let visits = 0;
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const { at } = entry;
      visits++;
      if (this.#seen[at] === this.#generation) continue;
      this.#seen[at] = this.#generation;
      const instruction = instructions[at] as Instruction;
      switch (instruction.kind) {
        case 'jump':
          stack.push({ at: instruction.to, captures: entry.captures });
          break;
        case 'split':
          stack.push({ at: instruction.second, captures: entry.captures });
          stack.push({ at: instruction.first, captures: entry.captures });
          break;
        case 'save': {
          let noted = entry.captures;
          if (this.#wantsCaptures) {
            spend(1 + (noted.length >> 4));
            noted = noted.with(instruction.slot, position);
          }
          stack.push({ at: at + 1, captures: noted });
          break;
        }
        case 'assertion':
          if (this.#holds(instruction.assertion, position)) stack.push({ at: at + 1, captures: entry.captures });
          break;
        default:
          threads.at.push(at);
          if (this.#wantsCaptures) threads.captures.push(entry.captures);
      }
    }
    if (visits > 2) spend(visits >> 1);
  }

  #holds(assertion: Assertion, position: number): boolean {
    const text = this.#text;
    switch (assertion) {
      case 'textStart':
        return position === 0;
      case 'textEnd':
        return position === text.length;
      case 'lineStart':
        return position === 0 || text.charAt(position - 1) === '\n';
      case 'lineEnd':
        return position === text.length || text.charAt(position) === '\n';
      default: {
        const isBoundary = isWord(text.charCodeAt(position - 1)) !== isWord(text.charCodeAt(position));
        return isBoundary === (assertion === 'wordBoundary');
      }
    }
  }
}

function consumes(instruction: Instruction, code: number): boolean {
  if (instruction.kind === 'character') return instruction.code === code;
  return instruction.kind === 'class' && classHas(instruction.set, code);
}
