import { MAX_NESTING } from '../limits.ts';
import { PolicyTextError } from '../policy-error.ts';
import type { Position } from '../policy-error.ts';
import type { Body, Term } from './ast.ts';
import type { Token } from './token.ts';

export interface ExpressionOptions {
  /** `|` ends the expression. */
  readonly stopsAtBar?: boolean;
  /** `in` ends the expression: between `some` and its domain. */
  readonly stopsAtIn?: boolean;
}

/** What a term contains is parsed by modules that need the parser of terms: they are handed down instead of imported. */
export interface Grammar {
  expression(cursor: Cursor, options?: ExpressionOptions): Term;
  bodyUntil(cursor: Cursor, close: '}' | ']'): Body;
}

/** The place of the parser in a policy's words, and what all parts of the parser ask. */
export class Cursor {
  readonly file: string;
  readonly grammar: Grammar;
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;
  #wildcards = 0;

  constructor(file: string, tokens: readonly Token[], grammar: Grammar) {
    this.file = file;
    this.grammar = grammar;
    this.#tokens = tokens;
  }

  /** The next word; behind the last it stays at the end. */
  get next(): Token {
    return this.peek(0);
  }

  get isAtEnd(): boolean {
    return this.next.kind === 'end';
  }

  peek(ahead: number): Token {
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)] as Token;
  }

  take(): Token {
    const token = this.next;
    this.#index++;
    return token;
  }

  /** The next word is this keyword or punctuation. */
  isAt(text: string): boolean {
    const { kind, text: found } = this.next;
    return found === text && (kind === 'punctuation' || kind === 'keyword');
  }

  /** Takes the next word if it is this keyword or punctuation. */
  tryTake(text: string): boolean {
    if (!this.isAt(text)) return false;
    this.#index++;
    return true;
  }

  expect(text: string, where: string): Token {
    if (!this.isAt(text)) this.fail(`${text} expected ${where}, found ${this.describeNext()}`);
    return this.take();
  }

  describeNext(): string {
    const { kind, text } = this.next;
    return kind === 'end' ? 'the end of the policy' : JSON.stringify(text.slice(0, 64));
  }

  fail(reason: string, at: Position = this.next): never {
    throw new PolicyTextError(this.file, at, reason);
  }

  /** Runs a part of the parser one level deeper; bounds its recursion and that of everything that walks the result. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_NESTING) this.fail(`nested deeper than ${MAX_NESTING} levels`);
    const result = parse();
    this.#depth--;
    return result;
  }

  /** A name for a `_`; no other variable has it. */
  wildcard(): string {
    return `_#${this.#wildcards++}`;
  }
}

/** Whether a name came from `wildcard`. */
export function isWildcard(name: string): boolean {
  return name.startsWith('_#');
}
