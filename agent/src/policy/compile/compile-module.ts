import { PolicyTextError } from '../policy-error.ts';
import type { Position } from '../policy-error.ts';
import { RuleGroup } from '../evaluate/rule-group.ts';
import type { CompiledBranch, RuleKind } from '../evaluate/rule-group.ts';
import type { Branch, Module, Rule } from '../syntax/ast.ts';
import type { Value } from '../value/value.ts';
import { checkRecursion } from './check-recursion.ts';
import { emitBody } from './emit-body.ts';
import { Emitter } from './emitter.ts';
import type { Global, Language, ModuleNames } from './emitter.ts';
import { emitMatch } from './emit-match.ts';
import { emitValue } from './emit-value.ts';
import { Scope, SlotCounter } from './scope.ts';
import { forEachPatternVariable } from './variables.ts';

const language: Language = { value: emitValue, body: emitBody };

const INPUT: Global = { kind: 'input' };
const DATA: Global = { kind: 'data' };

/** Makes rules of a policy's text. Throws PolicyTextError. */
export function compileModule(module: Module): ReadonlyMap<string, RuleGroup> {
  return new ModuleCompiler(module).run();
}

class ModuleCompiler implements ModuleNames {
  readonly file: string;
  readonly packagePath: readonly string[];
  readonly #module: Module;
  readonly #globals = new Map<string, Global>([
    ['input', INPUT],
    ['data', DATA],
  ]);
  readonly #rules = new Map<string, Rule[]>();
  readonly #groups = new Map<string, RuleGroup>();
  readonly #dependencies = new Map<RuleGroup, Set<RuleGroup>>();
  /** Rules that the one being compiled needs. */
  #used = new Set<RuleGroup>();

  constructor(module: Module) {
    this.#module = module;
    this.file = module.file;
    this.packagePath = module.packagePath;
  }

  find(name: string): Global | undefined {
    return this.#globals.get(name);
  }

  uses(group: RuleGroup): void {
    this.#used.add(group);
  }

  run(): ReadonlyMap<string, RuleGroup> {
    for (const { alias, target } of this.#module.imports) this.#globals.set(alias, { kind: 'import', target });
    for (const rule of this.#module.rules) {
      const known = this.#rules.get(rule.name);
      if (known === undefined) this.#rules.set(rule.name, [rule]);
      else known.push(rule);
    }
    for (const [name, rules] of this.#rules) this.#declare(name, rules);
    for (const [name, rules] of this.#rules) this.#define(this.#groups.get(name) as RuleGroup, rules);
    checkRecursion(this.#dependencies, (group) =>
      this.#fail(this.#rules.get(group.name)?.[0]?.at ?? { line: 1, column: 1 }, `${group.name} needs itself`),
    );
    return this.#groups;
  }

  #fail(at: Position, reason: string): never {
    throw new PolicyTextError(this.file, at, reason);
  }

  #declare(name: string, rules: readonly Rule[]): void {
    const [first] = rules as [Rule, ...Rule[]];
    if (this.#globals.has(name)) this.#fail(first.at, `${name} is imported and defined`);
    const kind = kindOf(rules.find((rule) => !rule.isDefault) ?? first);
    const arity = first.args?.length ?? 0;
    for (const rule of rules) {
      const own = kindOf(rule);
      if (own !== kind && !(rule.isDefault && own === 'complete' && kind === 'complete'))
        this.#fail(rule.at, `${name} is defined in two ways: ${kind} and ${own}`);
      if ((rule.args?.length ?? 0) !== arity) this.#fail(rule.at, `${name} is defined with different arguments`);
    }
    const group = new RuleGroup(this.file, name, kind, arity);
    this.#groups.set(name, group);
    this.#globals.set(name, { kind: 'rule', group });
  }

  #define(group: RuleGroup, rules: readonly Rule[]): void {
    this.#used = new Set();
    const defaults = rules.filter((rule) => rule.isDefault);
    if (defaults.length > 1) this.#fail((defaults[1] as Rule).at, `${group.name} has two defaults`);
    const branches = rules.filter((rule) => !rule.isDefault).map((rule) => this.#branch(rule, rule.branch));
    group.define(branches, defaults[0] && this.#fallback(defaults[0]));
    this.#dependencies.set(group, this.#used);
  }

  #fallback(rule: Rule): Value {
    const { value } = rule.branch;
    return value.kind === 'constant' ? value.value : this.#fail(rule.at, 'a default is a constant');
  }

  #branch(rule: Rule, branch: Branch): CompiledBranch {
    const slots = new SlotCounter();
    const emitter = new Emitter(this, language, new Scope(slots));
    const args = rule.args ?? [];
    // The values of the arguments come in the first slots.
    const argSlots = args.map(() => emitter.temporary());
    const patterns = new Scope(slots, emitter.scope);
    const head = new Emitter(this, language, patterns, emitter.bound);
    // Arguments hide rules of the same name.
    for (const arg of args)
      forEachPatternVariable(arg, (name) => {
        if (!patterns.hasOwn(name)) patterns.declare(name);
      });
    args.forEach((arg, index) => emitMatch(head, arg, (frame) => frame[argSlots[index] as number]));
    const valueTerm = rule.member ?? branch.value;
    const body = new Emitter(this, language, patterns.inner(), head.bound);
    emitBody(body, branch.body, [valueTerm, ...rule.path]);
    const value = emitValue(body, valueTerm);
    const path = rule.path.map((step) => emitValue(body, step));
    const otherwise = branch.otherwise === undefined ? undefined : this.#branch(rule, branch.otherwise);
    return {
      frameSize: slots.count,
      steps: [...head.steps, ...body.steps],
      value,
      constant: valueTerm.kind === 'constant' ? valueTerm.value : undefined,
      path,
      otherwise,
      at: branch.at,
    };
  }
}

function kindOf(rule: Rule): RuleKind {
  if (rule.args !== undefined) return 'function';
  if (rule.member !== undefined) return 'set';
  return rule.path.length > 0 ? 'object' : 'complete';
}
