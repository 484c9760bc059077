import type { YamlCursor } from './yaml-cursor.ts';

/** A scalar of the core schema (YAML 1.2.2, 10.3.2). */
export type YamlScalar = string | number | bigint | boolean | null;

const words: ReadonlyMap<string, YamlScalar> = new Map<string, YamlScalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);
const decimal = /^[-+]?(?:0|[1-9][0-9]{0,19})$/;
const other = /^0(?:x[0-9a-fA-F]{1,16}|o[0-7]{1,22})$/;
const float = /^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE])|[1-9][0-9]{20,})(?:[eE][-+]?[0-9]+)?$/;
/** 0644 is 644 by version 1.2 and 420 by version 1.1: whoever wrote it has to say which. */
const ambiguous = /^[-+]?0[0-9]+$/;

/** What a plain scalar means. Throws for a number that versions of YAML read differently. */
export function resolvePlain(text: string, cursor: YamlCursor): YamlScalar {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (ambiguous.test(text)) throw cursor.error(`${text.slice(0, 20)}: a number with leading zeros`);
  if (decimal.test(text) || other.test(text)) {
    const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
    const isSmall = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    return isSmall ? Number(value) : value;
  }
  return float.test(text) ? Number(text) : text;
}

const escapes: Readonly<Record<string, string>> = {
  0: '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
};
/** Hexadecimal digits that follow. */
const digits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function readEscape(cursor: YamlCursor): string {
  const name = cursor.peek(1);
  const length = digits[name];
  if (length === undefined) {
    const character = escapes[name];
    if (character === undefined) throw cursor.error(`unknown escape \\${name}`);
    cursor.offset += 2;
    return character;
  }
  const code = cursor.text.slice(cursor.offset + 2, cursor.offset + 2 + length);
  const value = /^[0-9a-fA-F]+$/.test(code) && code.length === length ? parseInt(code, 16) : -1;
  if (value < 0 || value > 0x10ffff) throw cursor.error(`wrong escape \\${name}${code}`);
  cursor.offset += 2 + length;
  return String.fromCodePoint(value);
}

/** One line end is a space, more of them are one line end less (YAML 1.2.2, 6.5). */
function foldLines(cursor: YamlCursor): string {
  let breaks = 0;
  while (cursor.isBlank() && !cursor.isAtEnd) {
    if (cursor.peek() === '\n') breaks += 1;
    cursor.offset += 1;
  }
  return breaks === 1 ? ' ' : '\n'.repeat(breaks - 1);
}

/** Reads a quoted scalar; the cursor is at its first quote, and afterwards behind its last. */
export function readQuoted(cursor: YamlCursor): string {
  const start = cursor.offset;
  const quote = cursor.peek();
  let result = '';
  for (cursor.offset += 1; !cursor.isAtEnd;) {
    const character = cursor.peek();
    if (character === quote) {
      const isDoubled = quote === "'" && cursor.peek(1) === "'";
      cursor.offset += isDoubled ? 2 : 1;
      if (!isDoubled) return result;
      result += "'";
    } else if (character === '\\' && quote === '"') {
      const isJoin = cursor.peek(1) === '\n';
      if (isJoin) {
        cursor.offset += 1;
        // An escaped line end is nothing at all; empty lines after it count.
        result += foldLines(cursor).replace(/^ /, '');
      } else result += readEscape(cursor);
    } else if (character === '\n') result = result.replace(/[ \t\r]+$/, '') + foldLines(cursor);
    else {
      result += character;
      cursor.offset += 1;
    }
  }
  throw cursor.error('a quote without its end', start);
}
