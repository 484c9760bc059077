import { PolicyTextError } from '../policy-error.ts';
import type { Position } from '../policy-error.ts';
import type { Eval, Step } from '../evaluate/program.ts';
import type { RuleGroup } from '../evaluate/rule-group.ts';
import type { Body, Term } from '../syntax/ast.ts';
import type { Scope } from './scope.ts';

/** What a name means outside of all bodies. */
export type Global =
  | { readonly kind: 'input' }
  | { readonly kind: 'data' }
  | { readonly kind: 'rule'; readonly group: RuleGroup }
  | { readonly kind: 'import'; readonly target: Term };

/** What the bodies of a policy are compiled against. */
export interface ModuleNames {
  readonly file: string;
  readonly packagePath: readonly string[];
  find(name: string): Global | undefined;
  /** A rule is about to be used: for the check that none needs itself. */
  uses(group: RuleGroup): void;
}

/** What terms contain is compiled by modules that need the compiler of terms: they are handed down instead of imported. */
export interface Language {
  value(emitter: Emitter, term: Term): Eval;
  body(emitter: Emitter, body: Body, heads: readonly Term[]): void;
}

/** The steps of one body while they are made, and which variables have a value by then. */
export class Emitter {
  readonly names: ModuleNames;
  readonly language: Language;
  readonly scope: Scope;
  readonly bound: Set<number>;
  readonly steps: Step[] = [];

  constructor(names: ModuleNames, language: Language, scope: Scope, bound: ReadonlySet<number> = new Set()) {
    this.names = names;
    this.language = language;
    this.scope = scope;
    this.bound = new Set(bound);
  }

  /** For a body within this one: what it binds is not known outside. */
  inner(): Emitter {
    return new Emitter(this.names, this.language, this.scope.inner(), this.bound);
  }

  test(test: Extract<Step, { kind: 'test' }>['test']): void {
    this.steps.push({ kind: 'test', test });
  }

  each(each: Extract<Step, { kind: 'each' }>['each']): void {
    this.steps.push({ kind: 'each', each });
  }

  /** A variable without name that has a value from now on. */
  temporary(): number {
    const slot = this.scope.slots.take();
    this.bound.add(slot);
    return slot;
  }

  /** The slot of a variable that has no value yet. */
  unboundSlot(term: Term): number | undefined {
    if (term.kind !== 'variable') return undefined;
    const slot = this.scope.find(term.name);
    return slot === undefined || this.bound.has(slot) ? undefined : slot;
  }

  fail(at: Position, reason: string): never {
    throw new PolicyTextError(this.names.file, at, reason);
  }
}
