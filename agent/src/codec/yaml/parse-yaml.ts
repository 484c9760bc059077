import { readBlockScalar } from './yaml-block-scalar.ts';
import { YamlCursor } from './yaml-cursor.ts';
import { YamlError } from './yaml-error.ts';
import { readQuoted, resolvePlain } from './yaml-scalar.ts';

/** Deeper than any configuration, and far from the limits of the stack. */
const maxDepth = 64;
/** Begins something that is not read here: anchors, aliases, tags, directives, and what YAML reserves. */
const refused = '&*!%@`';
/** Ends a plain scalar inside `[]` and `{}`. */
const flowEnds = ',[]{}';

/**
 * Parses one document of YAML 1.2 as configuration files use it: block and flow collections, all scalar styles, comments, the core schema.
 * Anchors, aliases, tags, directives, complex keys, a key given twice and a second document are refused, and so is a number with
 * leading zeros, which versions of YAML read differently. Mappings have no prototype; integers beyond 2^53 are bigints. Throws
 * YamlError.
 */
export function parseYaml(text: string): unknown {
  return new YamlParser(text).parse();
}

class YamlParser {
  readonly #cursor: YamlCursor;

  constructor(text: string) {
    this.#cursor = new YamlCursor(text.startsWith('\ufeff') ? text.slice(1) : text);
  }

  parse(): unknown {
    const cursor = this.#cursor;
    cursor.nextContent();
    if (this.#isMarker('---')) {
      cursor.offset += 3;
      cursor.nextContent();
    }
    const value = cursor.isAtEnd || this.#isMarker('...') ? null : this.#block(-1, 0);
    cursor.nextContent();
    if (this.#isMarker('...')) {
      cursor.offset += 3;
      cursor.nextContent();
    }
    if (!cursor.isAtEnd)
      throw cursor.error(this.#isMarker('---') ? 'a second document' : 'text that belongs to nothing before it');
    return value;
  }

  #isMarker(marker: string): boolean {
    const cursor = this.#cursor;
    return cursor.column === 0 && cursor.text.startsWith(marker, cursor.offset) && cursor.isBlank(3);
  }

  /** A node that begins at the cursor and is indented deeper than `parent`. */
  #block(parent: number, depth: number): unknown {
    const cursor = this.#cursor;
    if (depth > maxDepth) throw cursor.error(`nested deeper than ${maxDepth} levels`);
    if (this.#isItem()) return this.#sequence(cursor.column, depth);
    if (this.#isKeyAhead()) return this.#mapping(cursor.column, depth);
    return this.#inline(parent, depth);
  }

  #isItem(): boolean {
    return this.#cursor.peek() === '-' && this.#cursor.isBlank(1);
  }

  #sequence(column: number, depth: number): unknown[] {
    const cursor = this.#cursor;
    const items: unknown[] = [];
    while (!cursor.isAtEnd && cursor.column === column && this.#isItem() && !this.#isMarker('---')) {
      cursor.offset += 1;
      cursor.skipSpaces();
      if (cursor.isAtLineEnd) cursor.nextContent();
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- the cursor has moved since the loop's condition
      items.push(cursor.isAtEnd || cursor.column <= column ? null : this.#block(column, depth + 1));
      cursor.nextContent();
    }
    this.#checkIndent(column);
    return items;
  }

  #mapping(column: number, depth: number): Record<string, unknown> {
    const cursor = this.#cursor;
    const result = Object.create(null) as Record<string, unknown>;
    while (!cursor.isAtEnd && cursor.column === column && !this.#isMarker('---') && !this.#isMarker('...')) {
      if (!this.#isKeyAhead()) throw cursor.error('a key and a colon are expected');
      const start = cursor.offset;
      const key = this.#key();
      if (key in result) throw cursor.error(`the key ${JSON.stringify(key)} is given twice`, start);
      cursor.skipSpaces();
      result[key] = cursor.isAtLineEnd ? this.#valueBelow(column, depth) : this.#inline(column, depth + 1);
      cursor.nextContent();
    }
    this.#checkIndent(column);
    return result;
  }

  /** The value of a key whose line ends behind the colon. A list may stand as far left as its key. */
  #valueBelow(column: number, depth: number): unknown {
    const cursor = this.#cursor;
    cursor.nextContent();
    const isBelow = !cursor.isAtEnd && (cursor.column > column || (cursor.column === column && this.#isItem()));
    return isBelow && !this.#isMarker('---') ? this.#block(column, depth + 1) : null;
  }

  /** After a collection only something that is less indented may follow. */
  #checkIndent(column: number): void {
    const cursor = this.#cursor;
    if (!cursor.isAtEnd && cursor.column > column) throw cursor.error('wrong indentation');
  }

  /** Whether a key and its colon begin here; the cursor stays. */
  #isKeyAhead(): boolean {
    const cursor = this.#cursor;
    const start = cursor.offset;
    try {
      const first = cursor.peek();
      if (first === '[' || first === '{' || first === '|' || first === '>') return false;
      if (first === '"' || first === "'") readQuoted(cursor);
      else this.#skipPlain('');
      const isOneLine = !cursor.text.slice(start, cursor.offset).includes('\n');
      while (cursor.peek() === ' ') cursor.offset += 1;
      return isOneLine && cursor.peek() === ':' && cursor.isBlank(1);
    } finally {
      cursor.offset = start;
    }
  }

  /** Reads a key and its colon. */
  #key(): string {
    const cursor = this.#cursor;
    const first = cursor.peek();
    if (refused.includes(first) || (first === '?' && cursor.isBlank(1)))
      throw cursor.error(`${JSON.stringify(first)} is not supported here`);
    let key: string;
    if (first === '"' || first === "'") key = readQuoted(cursor);
    else {
      const start = cursor.offset;
      this.#skipPlain('');
      key = cursor.text.slice(start, cursor.offset).trimEnd();
    }
    if (key === '<<') throw cursor.error('merge keys are not supported');
    while (cursor.peek() === ' ') cursor.offset += 1;
    cursor.offset += 1;
    return key;
  }

  /** A scalar or flow collection; lines of it that follow are indented deeper than `parent`. */
  #inline(parent: number, depth: number): unknown {
    const cursor = this.#cursor;
    const first = cursor.peek();
    if (refused.includes(first) || (first === '?' && cursor.isBlank(1)))
      throw cursor.error(`${JSON.stringify(first)} is not supported here`);
    if (first === '|' || first === '>') return readBlockScalar(cursor, parent);
    if (first === '[' || first === '{' || first === '"' || first === "'") {
      const value = this.#flow(depth);
      cursor.skipSpaces();
      if (!cursor.isAtLineEnd) throw cursor.error('text behind the end of a value');
      return value;
    }
    if (first === '-' && cursor.isBlank(1)) throw cursor.error('a list cannot begin here');
    return this.#plainLines(parent);
  }

  /** A plain scalar over one or more lines. */
  #plainLines(parent: number): unknown {
    const cursor = this.#cursor;
    const start = cursor.offset;
    let text = this.#plainLine();
    while (cursor.peek() === '\n' || cursor.peek() === '\r') {
      const end = cursor.offset;
      cursor.nextContent();
      const lines = cursor.text.slice(end, cursor.offset);
      const isMore =
        !cursor.isAtEnd &&
        cursor.column > parent &&
        !lines.includes('#') &&
        cursor.peek() !== '#' &&
        !this.#isMarker('---');
      if (!isMore || this.#isMarker('...')) {
        cursor.offset = end;
        break;
      }
      if (this.#isKeyAhead()) throw cursor.error('a key inside a value: is it indented too far?');
      const breaks = lines.split('\n').length - 1;
      text += (breaks === 1 ? ' ' : '\n'.repeat(breaks - 1)) + this.#plainLine();
    }
    const end = cursor.offset;
    cursor.offset = start;
    const value = resolvePlain(text, cursor);
    cursor.offset = end;
    return value;
  }

  /** The plain text of one line; a comment behind it is passed over. */
  #plainLine(): string {
    const cursor = this.#cursor;
    const start = cursor.offset;
    this.#skipPlain('');
    if (cursor.peek() === ':') throw cursor.error('a colon that begins no value');
    const text = cursor.text.slice(start, cursor.offset).trimEnd();
    cursor.skipSpaces();
    return text;
  }

  /** Goes to the end of the plain text here: a comment, a colon with a space behind it, the end of the line, or one of `ends`. */
  #skipPlain(ends: string): void {
    const cursor = this.#cursor;
    for (; !cursor.isAtLineEnd; cursor.offset += 1) {
      const character = cursor.peek();
      if (ends.includes(character)) return;
      if (character === ':' && (cursor.isBlank(1) || (ends !== '' && ends.includes(cursor.peek(1))))) return;
      if (character === '#' && /[ \t]/.test(cursor.text[cursor.offset - 1] ?? ' ')) return;
    }
  }

  #flow(depth: number): unknown {
    const cursor = this.#cursor;
    if (depth > maxDepth) throw cursor.error(`nested deeper than ${maxDepth} levels`);
    const first = cursor.peek();
    if (first === '[') return this.#flowSequence(depth);
    if (first === '{') return this.#flowMapping(depth);
    if (first === '"' || first === "'") return readQuoted(cursor);
    const text = this.#flowPlain();
    return resolvePlain(text, cursor);
  }

  #flowPlain(): string {
    const cursor = this.#cursor;
    const first = cursor.peek();
    if (refused.includes(first) || (first === '-' && cursor.isBlank(1)))
      throw cursor.error(`${JSON.stringify(first)} is not supported here`);
    const start = cursor.offset;
    this.#skipPlain(flowEnds);
    return cursor.text.slice(start, cursor.offset).trimEnd();
  }

  #flowSequence(depth: number): unknown[] {
    const cursor = this.#cursor;
    const start = cursor.offset;
    const items: unknown[] = [];
    for (cursor.offset += 1; ;) {
      cursor.nextContent();
      if (cursor.isAtEnd) throw cursor.error('a [ without its end', start);
      if (cursor.peek() === ']') break;
      if (cursor.peek() === ',') throw cursor.error('a value is missing');
      items.push(this.#flow(depth + 1));
      this.#endOfItem(']', start);
    }
    cursor.offset += 1;
    return items;
  }

  #flowMapping(depth: number): Record<string, unknown> {
    const cursor = this.#cursor;
    const start = cursor.offset;
    const result = Object.create(null) as Record<string, unknown>;
    for (cursor.offset += 1; ;) {
      cursor.nextContent();
      if (cursor.isAtEnd) throw cursor.error('a { without its end', start);
      if (cursor.peek() === '}') break;
      const quoted = cursor.peek() === '"' || cursor.peek() === "'";
      const key = quoted ? readQuoted(cursor) : this.#flowPlain();
      if (key in result) throw cursor.error(`the key ${JSON.stringify(key)} is given twice`);
      cursor.nextContent();
      if (cursor.peek() === ':') {
        cursor.offset += 1;
        cursor.nextContent();
        result[key] = ',}'.includes(cursor.peek()) ? null : this.#flow(depth + 1);
      } else if (key === '') throw cursor.error('a key is missing');
      else result[key] = null;
      this.#endOfItem('}', start);
    }
    cursor.offset += 1;
    return result;
  }

  #endOfItem(end: string, start: number): void {
    const cursor = this.#cursor;
    cursor.nextContent();
    if (cursor.peek() === ',') cursor.offset += 1;
    else if (cursor.peek() !== end)
      throw cursor.isAtEnd
        ? cursor.error(`a ${end === ']' ? '[' : '{'} without its end`, start)
        : cursor.error(`a comma or ${end} is expected`);
  }
}

export { YamlError };
