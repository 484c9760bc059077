import type { Position } from '../policy-error.ts';
import type { Value } from '../value/value.ts';

/** An expression with a value. */
export type Term =
  | { readonly kind: 'constant'; readonly value: Value; readonly at: Position }
  | { readonly kind: 'variable'; readonly name: string; readonly at: Position }
  /** `head[path]...`; names after a dot are constants. */
  | { readonly kind: 'reference'; readonly head: Term; readonly path: readonly Term[]; readonly at: Position }
  /** A built-in or a rule with arguments; infix operators are calls of the built-in behind them. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Term[]; readonly at: Position }
  | { readonly kind: 'array'; readonly items: readonly Term[]; readonly at: Position }
  | { readonly kind: 'set'; readonly items: readonly Term[]; readonly at: Position }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [Term, Term])[]; readonly at: Position }
  | Comprehension;

/** `[term | body]`, `{term | body}` or `{key: term | body}`. */
export interface Comprehension {
  readonly kind: 'comprehension';
  readonly result: 'array' | 'set' | 'object';
  /** Of objects only. */
  readonly key: Term | undefined;
  readonly term: Term;
  readonly body: Body;
  readonly at: Position;
}

/** Statements that must all hold. */
export type Body = readonly Statement[];

export interface Modifier {
  /** `input`, `data` or a path below them. */
  readonly target: Term;
  readonly value: Term;
}

export type Statement = (
  | { readonly kind: 'expression'; readonly term: Term }
  /** `target := value`. */
  | { readonly kind: 'assign'; readonly target: Term; readonly value: Term }
  /** `left = right`. */
  | { readonly kind: 'unify'; readonly left: Term; readonly right: Term }
  | { readonly kind: 'declare'; readonly names: readonly string[] }
  /** `some key, value in domain`. */
  | { readonly kind: 'some'; readonly key: Term | undefined; readonly value: Term; readonly domain: Term }
  | {
      readonly kind: 'every';
      readonly key: Term | undefined;
      readonly value: Term;
      readonly domain: Term;
      readonly body: Body;
    }
  | { readonly kind: 'not'; readonly body: Body }
) & { readonly modifiers: readonly Modifier[]; readonly at: Position };

/** A body with the value it gives, and what to try when it does not hold. */
export interface Branch {
  readonly value: Term;
  readonly body: Body;
  readonly otherwise: Branch | undefined;
  readonly at: Position;
}

export interface Rule {
  readonly name: string;
  readonly isDefault: boolean;
  /** Of functions. */
  readonly args: readonly Term[] | undefined;
  /** What follows the name: `p[x]`, `p.q`. */
  readonly path: readonly Term[];
  /** `contains key`: the rule is a set. */
  readonly member: Term | undefined;
  readonly branch: Branch;
  readonly at: Position;
}

export interface Import {
  readonly alias: string;
  readonly target: Term;
}

export interface Module {
  readonly file: string;
  readonly packagePath: readonly string[];
  readonly imports: readonly Import[];
  readonly rules: readonly Rule[];
}
