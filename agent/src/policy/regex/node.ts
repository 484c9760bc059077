import type { CharacterClass } from './character-class.ts';

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordBoundary' | 'noWordBoundary';

/** A parsed regular expression. */
export type RegexNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'character'; readonly code: number }
  | { readonly kind: 'class'; readonly set: CharacterClass }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  /** `index` is undefined for a group that is not kept. */
  | { readonly kind: 'group'; readonly index: number | undefined; readonly inner: RegexNode }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'alternatives'; readonly items: readonly RegexNode[] }
  /** `max` is undefined for "any number". */
  | {
      readonly kind: 'repeat';
      readonly inner: RegexNode;
      readonly min: number;
      readonly max: number | undefined;
      readonly isGreedy: boolean;
    };

export interface ParsedRegex {
  readonly root: RegexNode;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
}
