import { BUILTINS } from '../builtins/builtins.ts';
import type { Eval } from '../evaluate/program.ts';
import type { RuleGroup } from '../evaluate/rule-group.ts';
import type { Term } from '../syntax/ast.ts';
import type { Value } from '../value/value.ts';
import type { Emitter } from './emitter.ts';

type Call = Extract<Term, { kind: 'call' }>;

/** A function of the policy or of the language. Not defined when an argument is not. */
export function emitCall(emitter: Emitter, call: Call): Eval {
  if (call.name === 'print') emitter.fail(call.at, 'print has no value');
  const group = findFunction(emitter, call.name);
  const args = call.args.map((arg) => emitter.language.value(emitter, arg));
  if (group !== undefined) {
    checkArity(emitter, call, group.arity);
    emitter.names.uses(group);
    return withArguments(args, (values, context) => group.call(context, values));
  }
  const builtin = BUILTINS.get(call.name);
  if (builtin === undefined) return emitter.fail(call.at, `function ${call.name} is not known here`);
  checkArity(emitter, call, builtin.arity);
  const { run } = builtin;
  const [first, second] = args;
  if (args.length === 1 && first !== undefined)
    return (frame, context) => {
      const a = first(frame, context);
      return a === undefined ? undefined : run(a);
    };
  if (args.length === 2 && first !== undefined && second !== undefined)
    return (frame, context) => {
      const a = first(frame, context);
      if (a === undefined) return undefined;
      const b = second(frame, context);
      return b === undefined ? undefined : run(a, b);
    };
  return withArguments(args, (values) => run(...values));
}

function withArguments(
  args: readonly Eval[],
  call: (values: readonly Value[], context: Parameters<Eval>[1]) => Value | undefined,
): Eval {
  return (frame, context) => {
    const values: Value[] = [];
    for (const arg of args) {
      const value = arg(frame, context);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return call(values, context);
  };
}

function checkArity(emitter: Emitter, call: Call, arity: number): void {
  if (call.args.length !== arity)
    emitter.fail(call.at, `function ${call.name} takes ${arity} arguments, not ${call.args.length}`);
}

/** `f` or `data.<package>.f`. */
function findFunction(emitter: Emitter, name: string): RuleGroup | undefined {
  const prefix = `data.${emitter.names.packagePath.join('.')}.`;
  const global = emitter.names.find(name.startsWith(prefix) ? name.slice(prefix.length) : name);
  return global?.kind === 'rule' && global.group.kind === 'function' ? global.group : undefined;
}
