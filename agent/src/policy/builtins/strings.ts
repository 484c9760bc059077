import { spendCreated, spendText } from '../fuel.ts';
import { isInteger, isNumber } from '../value/number.ts';
import { isArray, isObject } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { elementsOf, indexOf, stringsOf } from './arguments.ts';
import { builtin } from './builtin.ts';
import type { Builtin, BuiltinTable } from './builtin.ts';
import { formatText } from './format-text.ts';

/** White space of `trim_space`. */
const SPACES =
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

/** A function of strings only. */
function ofStrings(arity: number, run: (...texts: string[]) => Value | undefined): Builtin {
  return builtin(arity, (...args) => {
    for (const arg of args) {
      if (typeof arg !== 'string') return undefined;
      spendText(arg.length);
    }
    return run(...(args as string[]));
  });
}

function made(text: string): string {
  spendCreated(text.length);
  return text;
}

function trimLeft(text: string, characters: string): string {
  const cut = new Set(characters);
  let start = 0;
  for (const character of text) {
    if (!cut.has(character)) break;
    start += character.length;
  }
  return text.slice(start);
}

function trimRight(text: string, characters: string): string {
  const cut = new Set(characters);
  const points = Array.from(text);
  let end = points.length;
  while (end > 0 && cut.has(points[end - 1] as string)) end--;
  return points.slice(0, end).join('');
}

function replaceAll(text: string, from: string, to: string): string {
  const pieces = text.split(from);
  spendCreated(text.length + pieces.length * to.length);
  return pieces.join(to);
}

/** Positions and lengths count code points. */
function substring(text: string, offset: number, length: number): string | undefined {
  if (offset < 0) return undefined;
  const points = Array.from(text);
  spendCreated(points.length);
  return points.slice(offset, length < 0 ? undefined : offset + length).join('');
}

function positionsOf(text: string, wanted: string): number[] {
  const positions: number[] = [];
  if (wanted === '') return positions;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    spendText(at);
    positions.push(Array.from(text.slice(0, at)).length);
  }
  return positions;
}

function concat(delimiter: Value | undefined, collection: Value | undefined): Value | undefined {
  const parts = stringsOf(collection);
  if (typeof delimiter !== 'string' || parts === undefined) return undefined;
  spendCreated(parts.reduce((sum, part) => sum + part.length + delimiter.length, 0));
  return parts.join(delimiter);
}

/** Patterns in the order of their keys; at each place the first that fits. */
function replaceMany(patterns: Value | undefined, text: Value | undefined): Value | undefined {
  if (patterns === undefined || !isObject(patterns) || typeof text !== 'string') return undefined;
  const pairs = patterns.entries();
  if (!pairs.every(([key, value]) => typeof key === 'string' && typeof value === 'string')) return undefined;
  const known = pairs as readonly (readonly [string, string])[];
  let result = '';
  for (let at = 0; at < text.length;) {
    spendText(known.length << 7);
    const pair = known.find(([from]) => from !== '' && text.startsWith(from, at));
    const piece = pair?.[1] ?? text.charAt(at);
    spendCreated(piece.length);
    result += piece;
    at += pair?.[0].length ?? 1;
  }
  return result;
}

const RADIXES = [2, 8, 10, 16];

function anyAffix(fits: (text: string, affix: string) => boolean): Builtin {
  return builtin(2, (texts, affixes) => {
    const all = typeof texts === 'string' ? [texts] : stringsOf(texts);
    const wanted = typeof affixes === 'string' ? [affixes] : stringsOf(affixes);
    if (all === undefined || wanted === undefined) return undefined;
    return all.some((text) =>
      wanted.some((affix) => {
        spendText(affix.length);
        return fits(text, affix);
      }),
    );
  });
}

function split(text: string, delimiter: string): Value {
  const pieces = delimiter === '' ? Array.from(text) : text.split(delimiter);
  spendCreated(pieces.length + text.length);
  return pieces;
}

export const stringBuiltins: BuiltinTable = {
  concat: builtin(2, concat),
  contains: ofStrings(2, (text = '', part = '') => text.includes(part)),
  startswith: ofStrings(2, (text = '', part = '') => text.startsWith(part)),
  endswith: ofStrings(2, (text = '', part = '') => text.endsWith(part)),
  lower: ofStrings(1, (text = '') => made(text.toLowerCase())),
  upper: ofStrings(1, (text = '') => made(text.toUpperCase())),
  replace: ofStrings(3, (text = '', from = '', to = '') => replaceAll(text, from, to)),
  'strings.replace_n': builtin(2, replaceMany),
  'strings.reverse': ofStrings(1, (text = '') => made(Array.from(text).reverse().join(''))),
  'strings.count': ofStrings(2, (text = '', part = '') =>
    part === '' ? Array.from(text).length + 1 : text.split(part).length - 1,
  ),
  'strings.any_prefix_match': anyAffix((text, affix) => text.startsWith(affix)),
  'strings.any_suffix_match': anyAffix((text, affix) => text.endsWith(affix)),
  split: ofStrings(2, (text = '', delimiter = '') => split(text, delimiter)),
  indexof: ofStrings(2, (text = '', part = '') => (part === '' ? undefined : (positionsOf(text, part)[0] ?? -1))),
  indexof_n: ofStrings(2, (text = '', part = '') => (part === '' ? undefined : positionsOf(text, part))),
  substring: builtin(3, (text, offset, length) => {
    const [from, size] = [indexOf(offset), indexOf(length)];
    return typeof text !== 'string' || from === undefined || size === undefined
      ? undefined
      : substring(text, from, size);
  }),
  trim: ofStrings(2, (text = '', cut = '') => made(trimRight(trimLeft(text, cut), cut))),
  trim_left: ofStrings(2, (text = '', cut = '') => made(trimLeft(text, cut))),
  trim_right: ofStrings(2, (text = '', cut = '') => made(trimRight(text, cut))),
  trim_prefix: ofStrings(2, (text = '', prefix = '') =>
    made(text.startsWith(prefix) ? text.slice(prefix.length) : text),
  ),
  trim_suffix: ofStrings(2, (text = '', suffix = '') =>
    made(text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text),
  ),
  trim_space: ofStrings(1, (text = '') => made(trimRight(trimLeft(text, SPACES), SPACES))),
  format_int: builtin(2, (value, radix) => {
    if (!isNumber(value) || !RADIXES.includes(radix as number)) return undefined;
    const whole = isInteger(value) ? BigInt(value) : BigInt(Math.trunc(value));
    return made(whole.toString(radix as number));
  }),
  sprintf: builtin(2, (format, values) => {
    if (typeof format !== 'string' || !isArray(values)) return undefined;
    spendText(format.length);
    return made(formatText(format, elementsOf(values) ?? []));
  }),
};
