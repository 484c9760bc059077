import { MAX_LINE_LENGTH, MAX_LINES, MAX_POLICY_LENGTH } from '../limits.ts';
import { PolicyTextError } from '../policy-error.ts';
import type { Position } from '../policy-error.ts';
import { KEYWORDS } from './token.ts';
import type { Token, TokenKind } from './token.ts';

/** Sticky: each matches at `lastIndex` only, so that reading is linear. */
const SPACE = /[ \t\r]+/y;
const COMMENT = /#[^\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"[^"\\\n]*(?:\\.[^"\\\n]*)*"/y;
const RAW_STRING = /`[^`]*`/y;
const PUNCTUATION = /:=|==|!=|<=|>=|[=<>+\-*/%&|,;:.()[\]{}]/y;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Cuts a policy into words; `file` is for error texts. Throws PolicyTextError. */
export class Tokenizer {
  readonly #file: string;
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #isFirst = true;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** All words; the last is of kind `end`. */
  run(): readonly Token[] {
    if (this.#text.length > MAX_POLICY_LENGTH) this.#fail(`the policy is longer than ${MAX_POLICY_LENGTH} characters`);
    if (LONE_SURROGATE.test(this.#text)) this.#fail('the policy is not UTF-8');
    for (;;) {
      const before = this.#at;
      this.#skipBlanks();
      if (this.#at >= this.#text.length) break;
      this.#word(before === this.#at);
    }
    this.#add('end', '', 0, false);
    return this.#tokens;
  }

  #fail(reason: string, position: Position = this.#position()): never {
    throw new PolicyTextError(this.#file, position, reason);
  }

  #position(): Position {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #skipBlanks(): void {
    for (;;) {
      const blank = this.#match(SPACE) ?? this.#match(COMMENT);
      if (blank !== undefined) this.#at += blank.length;
      else if (this.#text.charAt(this.#at) === '\n') {
        this.#at++;
        this.#newLine(this.#at);
        this.#isFirst = true;
      } else return;
    }
  }

  #newLine(start: number): void {
    if (start - this.#lineStart > MAX_LINE_LENGTH) this.#fail(`the line is longer than ${MAX_LINE_LENGTH} characters`);
    if (++this.#line > MAX_LINES) this.#fail(`the policy has more than ${MAX_LINES} lines`);
    this.#lineStart = start;
  }

  #word(isGlued: boolean): void {
    const name = this.#match(NAME);
    if (name !== undefined) return this.#add(KEYWORDS.has(name) ? 'keyword' : 'name', name, name.length, isGlued);
    const number = this.#match(NUMBER);
    if (number !== undefined) {
      this.#add('number', number, number.length, isGlued);
      if (this.#match(NAME) !== undefined || this.#match(NUMBER) !== undefined) this.#fail('not a number');
      return;
    }
    const raw = this.#match(RAW_STRING);
    if (raw !== undefined) return this.#rawString(raw, isGlued);
    const string = this.#match(STRING);
    if (string !== undefined) return this.#add('string', this.#unescape(string), string.length, isGlued);
    const punctuation = this.#match(PUNCTUATION);
    if (punctuation !== undefined) return this.#add('punctuation', punctuation, punctuation.length, isGlued);
    const wrong = this.#text.charAt(this.#at);
    this.#fail(wrong === '"' || wrong === '`' ? 'the string does not end' : `unexpected ${JSON.stringify(wrong)}`);
  }

  #rawString(raw: string, isGlued: boolean): void {
    this.#add('string', raw.slice(1, -1), raw.length, isGlued);
    const start = this.#at - raw.length;
    for (let end = raw.indexOf('\n'); end !== -1; end = raw.indexOf('\n', end + 1)) this.#newLine(start + end + 1);
  }

  /** Escapes are those of JSON. */
  #unescape(quoted: string): string {
    try {
      return JSON.parse(quoted.replaceAll('\t', '\\t').replaceAll('\r', '\\r')) as string;
    } catch {
      return this.#fail(`bad escape in string ${quoted.slice(0, 64)}`);
    }
  }

  #add(kind: TokenKind, text: string, length: number, isGlued: boolean): void {
    this.#tokens.push({ kind, text, isGlued, isFirstOfLine: this.#isFirst, ...this.#position() });
    this.#isFirst = false;
    this.#at += length;
  }
}
