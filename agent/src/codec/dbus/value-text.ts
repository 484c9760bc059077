import { DbusError } from './dbus-error.ts';
import { ValueWriter } from './encode-value.ts';
import { parseSingleType } from './signature.ts';
import type { DbusType } from './signature.ts';
import type { DbusValue, Variant } from './value.ts';

/** Words that give the type of what follows (GLib, "GVariant Text Format"). */
const keywords: Readonly<Record<string, string>> = {
  ...{ boolean: 'b', byte: 'y', int16: 'n', uint16: 'q', int32: 'i', uint32: 'u', int64: 'x', uint64: 't' },
  ...{ handle: 'h', double: 'd', string: 's', objectpath: 'o', signature: 'g' },
};
const simpleEscapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};
const maxDepth = 16;

/** A value that was read, with the type that it would have by itself. */
interface Parsed {
  readonly signature: string;
  /** Its text can also be read as these: a number without a word before it is of any numeric type. */
  readonly isNumber: boolean;
  readonly text: string;
  readonly value: DbusValue;
  readonly elements?: readonly Parsed[];
}

class TextReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #accept(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #broken(reason: string): DbusError {
    return new DbusError(`value ${JSON.stringify(this.#text)}: ${reason}`);
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#broken(`unexpected ${JSON.stringify(this.#text[this.#at])}`);
  }

  read(depth = 0): Parsed {
    if (depth > maxDepth) throw this.#broken('it is nested too deeply');
    this.#skipSpace();
    const char = this.#text[this.#at] ?? '';
    if (char === "'" || char === '"') return this.#plain('s', this.#quoted(char));
    if (this.#accept('[')) return this.#array(depth);
    if (this.#accept('(')) return this.#struct(depth);
    if (this.#accept('<')) {
      const inner = this.read(depth + 1);
      if (!this.#accept('>')) throw this.#broken('a variant without its end');
      return this.#plain('v', { signature: inner.signature, value: inner.value });
    }
    if (this.#accept('@')) return this.#typed(this.#word(/[^\s[]/), depth);
    const word = this.#word(/[^\s,\])>]/);
    if (word === 'true' || word === 'false') return this.#plain('b', word === 'true');
    const code = Object.hasOwn(keywords, word) ? keywords[word] : undefined;
    return code === undefined ? this.#number(word) : this.#typed(code, depth);
  }

  #plain(signature: string, value: DbusValue): Parsed {
    return { signature, value, isNumber: false, text: '' };
  }

  #word(allowed: RegExp): string {
    const start = this.#at;
    while (this.#at < this.#text.length && allowed.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #typed(signature: string, depth: number): Parsed {
    const type = parseSingleType(signature);
    return this.#plain(signature, this.#as(type, signature, this.read(depth + 1)));
  }

  /** A value as one of a type that was asked for. */
  #as(type: DbusType, signature: string, parsed: Parsed): DbusValue {
    if (type.kind === 'array' && parsed.elements !== undefined) {
      const values = parsed.elements.map((each) => this.#as(type.element, signature.slice(1), each));
      return signature === 'ay' ? Uint8Array.from(values as number[]) : values;
    }
    const isText = type.kind === 'basic' && (type.code === 'o' || type.code === 'g') && parsed.signature === 's';
    const value =
      parsed.isNumber && type.kind === 'basic'
        ? numberAs(type.code, parsed.text, (why) => this.#broken(why))
        : parsed.value;
    if (!parsed.isNumber && !isText && parsed.signature !== signature) {
      throw this.#broken(`a value of the type ${parsed.signature} instead of ${signature}`);
    }
    try {
      new ValueWriter().write(type, value);
    } catch (error) {
      throw this.#broken(error instanceof Error ? error.message : 'out of memory');
    }
    return value;
  }

  #number(word: string): Parsed {
    if (!/^[-+.\d]/.test(word)) throw this.#broken(`${JSON.stringify(word)} is no value`);
    const signature = /^[-+]?(0[xX])?[\da-fA-F]+$/.test(word) ? 'i' : 'd';
    // Whether it is in the range of its type is seen to when that is known for sure.
    const value = numberAs(signature, word, (why) => this.#broken(why));
    return { signature, isNumber: true, text: word, value };
  }

  #array(depth: number): Parsed {
    const elements: Parsed[] = [];
    while (!this.#accept(']')) {
      if (elements.length > 0 && !this.#accept(',')) throw this.#broken('an array without its end');
      elements.push(this.read(depth + 1));
    }
    const [first] = elements;
    // Of an empty one only a type that stands before it can tell.
    if (first === undefined) return { ...this.#plain('av', []), elements };
    const type = parseSingleType(first.signature);
    const value = elements.map((each) => this.#as(type, first.signature, each));
    const bytes = first.signature === 'y' ? Uint8Array.from(value as number[]) : value;
    return { ...this.#plain(`a${first.signature}`, bytes), elements };
  }

  #struct(depth: number): Parsed {
    const fields: Parsed[] = [];
    while (!this.#accept(')')) {
      if (fields.length > 0 && !this.#accept(',')) throw this.#broken('a tuple without its end');
      fields.push(this.read(depth + 1));
    }
    const signature = `(${fields.map((field) => field.signature).join('')})`;
    parseSingleType(signature);
    return this.#plain(
      signature,
      fields.map((field) => field.value),
    );
  }

  #quoted(quote: string): string {
    let value = '';
    for (this.#at++; this.#text[this.#at] !== quote; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#broken('a text without its end');
      if (char !== '\\') {
        value += char;
        continue;
      }
      this.#at++;
      const escape = this.#text[this.#at] ?? '';
      const length = escape === 'u' ? 4 : escape === 'U' ? 8 : 0;
      if (length === 0) {
        value += simpleEscapes[escape] ?? escape;
        continue;
      }
      const digits = this.#text.slice(this.#at + 1, this.#at + 1 + length);
      const point = /^[\da-fA-F]+$/.test(digits) && digits.length === length ? parseInt(digits, 16) : -1;
      if (point <= 0 || point > 0x10ffff) throw this.#broken(`escape \\${escape}${digits}`);
      value += String.fromCodePoint(point);
      this.#at += length;
    }
    this.#at++;
    return value;
  }
}

function numberAs(code: string, text: string, broken: (reason: string) => DbusError): DbusValue {
  if (code === 'd') {
    const value = Number(text);
    if (Number.isNaN(value)) throw broken(`${text} is no number`);
    return value;
  }
  const match = /^([-+]?)(0[xX][\da-fA-F]+|\d+)$/.exec(text);
  const [, sign, digits = ''] = match ?? [];
  if (match === null || digits.length > 40) throw broken(`${text} is no whole number`);
  // A leading 0 is octal, as in C.
  const size = /^0\d/.test(digits) ? (/^[0-7]+$/.test(digits) ? BigInt(`0o${digits}`) : undefined) : BigInt(digits);
  if (size === undefined) throw broken(`${text} is no octal number`);
  const value = sign === '-' ? -size : size;
  return code === 'x' || code === 't' ? value : Number(value);
}

/**
 * A value in the text format of GVariant: `'text'`, `true`, `5`, `uint64 5`, `['a', 'b']`, `@as []`, `('x', 1)`, `<5>`. A number is
 * int32 unless a word says otherwise. Dictionaries are not among them: no unit property is one. Throws DbusError.
 */
export function parseValueText(text: string): Variant {
  const reader = new TextReader(text);
  const { signature, value, elements } = reader.read();
  reader.end();
  new ValueWriter().write(parseSingleType(signature), value);
  if (elements?.length === 0)
    throw new DbusError(`value ${JSON.stringify(text)}: the type of an empty array is not known`);
  return { signature, value };
}
