import { compileModule } from './compile/compile-module.ts';
import { Context } from './evaluate/context.ts';
import type { Print } from './evaluate/context.ts';
import type { RuleGroup } from './evaluate/rule-group.ts';
import { refuel, stepsUsed } from './fuel.ts';
import { parseModule } from './syntax/parse-module.ts';
import type { RegoObject, Value } from './value/value.ts';

export interface QueryResult {
  /** Undefined when there is no such rule, or it gives nothing. */
  readonly value: Value | undefined;
  readonly prints: readonly Print[];
  /** Work it took (limits.ts). */
  readonly steps: number;
}

/** A policy that can be asked: its text, read and compiled. Immutable. */
export class Policy {
  /** Names the text in errors and in what `print` says. */
  readonly file: string;
  readonly packagePath: readonly string[];
  readonly #rules: ReadonlyMap<string, RuleGroup>;

  private constructor(file: string, packagePath: readonly string[], rules: ReadonlyMap<string, RuleGroup>) {
    this.file = file;
    this.packagePath = packagePath;
    this.#rules = rules;
  }

  /** Throws PolicyTextError for a text that is no policy, EvaluationError for one that takes too much work to read. */
  static parse(file: string, text: string): Policy {
    refuel();
    const module = parseModule(file, text);
    return new Policy(file, module.packagePath, compileModule(module));
  }

  /** The value of a rule. Throws EvaluationError when the rule contradicts itself or needs too much. */
  query(rule: string, makeInput: () => Value, data: RegoObject): QueryResult {
    refuel();
    const context = new Context(makeInput, data);
    const group = this.#rules.get(rule);
    const value = group === undefined || group.kind === 'function' ? undefined : group.value(context);
    return { value, prints: context.prints, steps: stepsUsed() };
  }
}
