import { spend, spendCreated } from '../fuel.ts';
import type { Captures, Matcher } from '../regex/matcher.ts';
import { findMatcher } from '../regex/regex-cache.ts';
import type { Value } from '../value/value.ts';
import { indexOf } from './arguments.ts';
import { builtin } from './builtin.ts';
import type { Builtin, BuiltinTable } from './builtin.ts';

/** Up to `limit` matches one after another (-1: all); an empty one is none right behind another. */
function* matchesOf(matcher: Matcher, text: string, limit: number): Generator<Captures> {
  let count = 0;
  let end = -1;
  for (let at = 0; at <= text.length && (limit < 0 || count < limit);) {
    const match = matcher.find(text, at);
    if (match === undefined) return;
    const [from = 0, to = 0] = match;
    if (to > from || from !== end) {
      count++;
      yield match;
    }
    end = to;
    at = to > from ? to : to + ((text.codePointAt(to) ?? 0) > 0xffff ? 2 : 1);
  }
}

/** A function of an expression, a text, and how many matches are wanted. */
function withMatches(arity: 2 | 3, run: (matcher: Matcher, text: string, limit: number) => Value): Builtin {
  return builtin(arity, (pattern, text, limit = -1) => {
    const count = indexOf(limit);
    if (typeof pattern !== 'string' || typeof text !== 'string' || count === undefined) return undefined;
    const matcher = findMatcher(pattern);
    return matcher === undefined ? undefined : run(matcher, text, count);
  });
}

function groupsOf(match: Captures, text: string): string[] {
  const groups: string[] = [];
  for (let slot = 0; slot < match.length; slot += 2) {
    const [from = -1, to = -1] = [match[slot], match[slot + 1]];
    const group = from < 0 ? '' : text.slice(from, to);
    spendCreated(group.length + 1);
    groups.push(group);
  }
  return groups;
}

/** `$1`, `$name`, `${name}` and `$$` of a replacement. */
const REFERENCE = /\$(?:\$|(\w+)|\{(\w+)\})/g;

function replaced(matcher: Matcher, text: string, replacement: string): string {
  let result = '';
  let end = 0;
  for (const match of matchesOf(matcher, text, -1)) {
    const groups = groupsOf(match, text);
    const filled = replacement.replace(REFERENCE, (all, bare?: string, braced?: string) => {
      if (all === '$$') return '$';
      const name = bare ?? braced ?? '';
      const index = /^\d{1,4}$/.test(name) ? Number(name) : matcher.groupNames.get(name);
      return index === undefined ? '' : (groups[index] ?? '');
    });
    const [from = 0, to = 0] = match;
    spendCreated(from - end + filled.length);
    result += text.slice(end, from) + filled;
    end = to;
  }
  return result + text.slice(end);
}

function split(matcher: Matcher, text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const [from = 0, to = 0] of matchesOf(matcher, text, -1)) {
    spendCreated(1);
    // An empty match at either end of the text divides nothing.
    if (to === 0 || (from === to && from === text.length)) continue;
    pieces.push(text.slice(start, from));
    start = to;
  }
  return [...pieces, text.slice(start)];
}

export const regexBuiltins: BuiltinTable = {
  'regex.match': withMatches(2, (matcher, text) => matcher.test(text)),
  'regex.is_valid': builtin(1, (pattern) => typeof pattern === 'string' && findMatcher(pattern) !== undefined),
  'regex.find_n': withMatches(3, (matcher, text, limit) =>
    [...matchesOf(matcher, text, limit)].map(([from, to]) => text.slice(from, to)),
  ),
  'regex.find_all_string_submatch_n': withMatches(3, (matcher, text, limit) =>
    [...matchesOf(matcher, text, limit)].map((match) => groupsOf(match, text)),
  ),
  'regex.split': withMatches(2, split),
  'regex.replace': builtin(3, (text, pattern, replacement) => {
    if (typeof text !== 'string' || typeof pattern !== 'string' || typeof replacement !== 'string') return undefined;
    const matcher = findMatcher(pattern);
    spend(1 + (replacement.length >> 4));
    return matcher === undefined ? undefined : replaced(matcher, text, replacement);
  }),
};
