import type { Position } from '../policy-error.ts';

export type TokenKind = 'name' | 'keyword' | 'string' | 'number' | 'punctuation' | 'end';

/** One word of a policy. `text` of a string is its value, otherwise what was written. */
export interface Token extends Position {
  readonly kind: TokenKind;
  readonly text: string;
  /** No space before it: `f(`, `a.b` and `a[` are one term only then. */
  readonly isGlued: boolean;
  /** First of its line. */
  readonly isFirstOfLine: boolean;
}

export const KEYWORDS: ReadonlySet<string> = new Set([
  'as',
  'contains',
  'default',
  'else',
  'every',
  'false',
  'if',
  'import',
  'in',
  'not',
  'null',
  'package',
  'some',
  'true',
  'with',
]);
