import { spend } from '../fuel.ts';
import { MAX_REGEXES_KEPT } from '../limits.ts';
import { Matcher } from './matcher.ts';
import { RegexError, RegexParser } from './parse-regex.ts';
import { compileRegex } from './program.ts';

/** Longest expression that is looked at. */
const MAX_PATTERN_LENGTH = 64 << 10;
/** Steps that making a matcher costs, for each character of the expression. */
const STEPS_A_CHARACTER = 4;

/** By their text, the one used last at the end. A policy matches the same few expressions again and again. */
const kept = new Map<string, Matcher | undefined>();

/** The matcher of an expression; undefined when it is none. */
export function findMatcher(pattern: string): Matcher | undefined {
  if (kept.has(pattern)) {
    const known = kept.get(pattern);
    kept.delete(pattern);
    kept.set(pattern, known);
    return known;
  }
  spend(1 + pattern.length * STEPS_A_CHARACTER);
  const made = make(pattern);
  kept.set(pattern, made);
  for (const oldest of kept.keys()) {
    if (kept.size <= MAX_REGEXES_KEPT) break;
    kept.delete(oldest);
  }
  return made;
}

function make(pattern: string): Matcher | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return undefined;
  try {
    const program = compileRegex(new RegexParser(pattern).run());
    spend(program.instructions.length);
    return new Matcher(program);
  } catch (error) {
    if (error instanceof RegexError) return undefined;
    throw error;
  }
}
