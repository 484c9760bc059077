import { EvaluationError } from '../policy-error.ts';
import type { Position } from '../policy-error.ts';
import { spend } from '../fuel.ts';
import { equalValues } from '../value/compare.ts';
import { objectOf } from '../value/rego-object.ts';
import { setOf } from '../value/rego-set.ts';
import type { Value } from '../value/value.ts';
import type { Context } from './context.ts';
import { runSteps } from './program.ts';
import type { Eval, Frame, Step } from './program.ts';

/** A body that was compiled. Arguments are in the first slots. */
export interface CompiledBranch {
  readonly frameSize: number;
  readonly steps: readonly Step[];
  readonly value: Eval;
  /** The value when it is the same in every solution. */
  readonly constant: Value | undefined;
  /** Of rules that make an object: where the value goes. */
  readonly path: readonly Eval[];
  readonly otherwise: CompiledBranch | undefined;
  readonly at: Position;
}

export type RuleKind = 'complete' | 'function' | 'set' | 'object';

/** All rules of one name. */
export class RuleGroup {
  readonly name: string;
  readonly kind: RuleKind;
  /** Number of arguments, of functions. */
  readonly arity: number;
  readonly #file: string;
  #branches: readonly CompiledBranch[] = [];
  #fallback: Value | undefined;
  /** Every branch gives the same: the first that holds is enough. */
  #isUniform = false;

  constructor(file: string, name: string, kind: RuleKind, arity: number) {
    this.#file = file;
    this.name = name;
    this.kind = kind;
    this.arity = arity;
  }

  /** Set once, when all rules are known; bodies refer to each other. */
  define(branches: readonly CompiledBranch[], fallback: Value | undefined): void {
    this.#branches = branches;
    this.#fallback = fallback;
    const [first] = branches;
    this.#isUniform = branches.every(
      ({ constant, otherwise }) =>
        otherwise === undefined &&
        constant !== undefined &&
        first?.constant !== undefined &&
        equalValues(constant, first.constant),
    );
  }

  /** The value of a rule without arguments. */
  value(context: Context): Value | undefined {
    return context.once(this, () => {
      switch (this.kind) {
        case 'set':
          return this.#set(context);
        case 'object':
          return this.#object(context);
        default:
          return this.#complete(context, []);
      }
    });
  }

  /** The value of a function for these arguments. */
  call(context: Context, args: readonly Value[]): Value | undefined {
    return context.deeper(() => this.#complete(context, args));
  }

  #complete(context: Context, args: readonly Value[]): Value | undefined {
    let value: Value | undefined;
    for (const branch of this.#branches) {
      value = this.#joined(value, this.#chain(branch, context, args), branch);
      if (value !== undefined && this.#isUniform) return value;
    }
    // Null is a value like others.
    return value === undefined ? this.#fallback : value;
  }

  /** A branch, or the first of its alternatives that has a value. */
  #chain(first: CompiledBranch, context: Context, args: readonly Value[]): Value | undefined {
    for (let branch: CompiledBranch | undefined = first; branch !== undefined; branch = branch.otherwise) {
      const current: CompiledBranch = branch;
      let value: Value | undefined;
      runSteps(current.steps, 0, newFrame(current, args), context, (frame) => {
        value = this.#joined(value, current.value(frame, context), current);
        return value !== undefined && current.constant !== undefined;
      });
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #joined(known: Value | undefined, found: Value | undefined, branch: CompiledBranch): Value | undefined {
    if (known === undefined) return found;
    if (found === undefined) return known;
    if (equalValues(known, found)) return known;
    throw new EvaluationError(`${this.#file}:${branch.at.line}: ${this.name} has more than one value`);
  }

  #set(context: Context): Value {
    const members: Value[] = [];
    for (const branch of this.#branches) {
      runSteps(branch.steps, 0, newFrame(branch, []), context, (frame) => {
        const member = branch.value(frame, context);
        if (member !== undefined) members.push(member);
        return false;
      });
    }
    return setOf(members);
  }

  #object(context: Context): Value {
    const tree = new Tree();
    for (const branch of this.#branches) {
      runSteps(branch.steps, 0, newFrame(branch, []), context, (frame) => {
        const value = branch.value(frame, context);
        const path = branch.path.map((step) => step(frame, context));
        if (value === undefined || path.includes(undefined)) return false;
        if (!tree.add(path as Value[], value))
          throw new EvaluationError(`${this.#file}:${branch.at.line}: ${this.name} has more than one value for a key`);
        return false;
      });
    }
    return tree.value();
  }
}

function newFrame(branch: CompiledBranch, args: readonly Value[]): Frame {
  spend(1);
  const frame: Frame = [...args];
  while (frame.length < branch.frameSize) frame.push(undefined);
  return frame;
}

/** Objects within objects, while they grow. */
class Tree {
  readonly #children: { readonly key: Value; readonly child: Tree | Value }[] = [];
  readonly #index = new Map<Value, number>();

  /** False when there is another value at that place. */
  add(path: readonly Value[], value: Value): boolean {
    const [key, ...rest] = path;
    if (key === undefined) return false;
    const found = this.#find(key);
    if (found === undefined) {
      this.#index.set(key, this.#children.length);
      const tree = rest.length > 0 ? new Tree() : undefined;
      this.#children.push({ key, child: tree ?? value });
      return tree === undefined || tree.add(rest, value);
    }
    if (found instanceof Tree) return rest.length > 0 && found.add(rest, value);
    return rest.length === 0 && equalValues(found, value);
  }

  value(): Value {
    return objectOf(
      this.#children.map(({ key, child }) => [key, child instanceof Tree ? child.value() : child] as const),
    );
  }

  #find(key: Value): Tree | Value | undefined {
    const at = this.#index.get(key);
    if (at !== undefined) return this.#children[at]?.child;
    // Simple keys were found by now; equal compound ones are different objects.
    if (key === null || typeof key !== 'object') return undefined;
    return this.#children.find((entry) => equalValues(entry.key, key))?.child;
  }
}
