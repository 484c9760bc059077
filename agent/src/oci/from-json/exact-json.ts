import { invalidArgument } from '../../base/errors.ts';
import type { DomainError } from '../../base/errors.ts';
import { memberPath, quote } from './json-place.ts';

/** Deeper than anything the specification defines, and far from the limits of the stack. */
export const maxDepth = 64;

/** A literal of more digits is no 64-bit number, and would be slow to convert. */
const maxDigits = 20;

const space = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const words: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * A JSON parser (RFC 8259) for what JSON.parse cannot tell: integers beyond 2^53 become exact bigints, a key given twice is an
 * error, and errors name place and path. Objects have no prototype. Ten times slower than JSON.parse, so for these cases only.
 */
class ExactParser {
  readonly #text: string;
  readonly #document: string;
  #offset = 0;

  constructor(text: string, document: string) {
    this.#text = text;
    this.#document = document;
  }

  parse(): unknown {
    this.#skipSpace();
    const value = this.#value('', 0);
    this.#skipSpace();
    if (this.#offset < this.#text.length) throw this.#error('', 'text after the end of the document');
    return value;
  }

  #error(path: string, reason: string): DomainError {
    const before = this.#text.slice(0, this.#offset);
    const line = before.split('\n').length;
    const column = this.#offset - before.lastIndexOf('\n');
    return invalidArgument(path === '' ? this.#document : path, `line ${line}, column ${column}: ${reason}`);
  }

  #skipSpace(): void {
    space.lastIndex = this.#offset;
    space.test(this.#text);
    this.#offset = space.lastIndex;
  }

  /** Takes `mark` and the space after it, if it is next. */
  #take(mark: string): boolean {
    if (this.#text[this.#offset] !== mark) return false;
    this.#offset++;
    this.#skipSpace();
    return true;
  }

  #value(path: string, depth: number): unknown {
    if (depth > maxDepth) throw this.#error(path, `nested deeper than ${maxDepth} levels`);
    const first = this.#text[this.#offset];
    if (first === '"') return this.#string(path);
    if (first === '{') return this.#object(path, depth);
    if (first === '[') return this.#list(path, depth);
    for (const [word, value] of words) {
      if (!this.#text.startsWith(word, this.#offset)) continue;
      this.#offset += word.length;
      return value;
    }
    return this.#number(path);
  }

  #number(path: string): number | bigint {
    number.lastIndex = this.#offset;
    const match = number.exec(this.#text);
    if (match === null)
      throw this.#error(path, this.#offset < this.#text.length ? 'no JSON value' : 'the document ends too early');
    const [literal, fraction, exponent] = match;
    this.#offset += literal.length;
    const value = Number(literal);
    const isExact = fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value);
    return isExact || literal.length > maxDigits ? value : BigInt(literal);
  }

  #string(path: string): string {
    const start = this.#offset;
    let end = start;
    for (;;) {
      end = this.#text.indexOf('"', end + 1);
      if (end === -1) throw this.#error(path, 'a string without end');
      let slashes = 0;
      while (this.#text[end - 1 - slashes] === '\\') slashes++;
      if (slashes % 2 === 0) break;
    }
    try {
      const value = JSON.parse(this.#text.slice(start, end + 1)) as string;
      this.#offset = end + 1;
      return value;
    } catch {
      throw this.#error(path, 'a string with a bad escape or a control character');
    }
  }

  #object(path: string, depth: number): Record<string, unknown> {
    const result = Object.create(null) as Record<string, unknown>;
    this.#take('{');
    if (this.#take('}')) return result;
    do {
      if (this.#text[this.#offset] !== '"') throw this.#error(path, 'a key in quotes is expected');
      const keyAt = this.#offset;
      const key = this.#string(path);
      const member = memberPath(path, key);
      if (key in result) {
        this.#offset = keyAt;
        throw this.#error(member, `the key ${quote(key)} is given twice`);
      }
      this.#skipSpace();
      if (!this.#take(':')) throw this.#error(member, '":" is expected');
      result[key] = this.#value(member, depth + 1);
      this.#skipSpace();
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#error(path, '"," or "}" is expected');
    return result;
  }

  #list(path: string, depth: number): unknown[] {
    const result: unknown[] = [];
    this.#take('[');
    if (this.#take(']')) return result;
    do {
      result.push(this.#value(`${path}[${result.length}]`, depth + 1));
      this.#skipSpace();
    } while (this.#take(','));
    if (!this.#take(']')) throw this.#error(path, '"," or "]" is expected');
    return result;
  }
}

/** Parses `text` exactly; `document` is its name in errors that concern no single member. Throws `invalid_argument`. */
export function parseExactJson(text: string, document: string): unknown {
  return new ExactParser(text, document).parse();
}
