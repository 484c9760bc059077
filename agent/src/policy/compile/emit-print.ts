import { spend, spendCreated } from '../fuel.ts';
import { runSteps } from '../evaluate/program.ts';
import type { Context } from '../evaluate/context.ts';
import type { Frame, Step, Eval } from '../evaluate/program.ts';
import type { Term } from '../syntax/ast.ts';
import type { Value } from '../value/value.ts';
import type { Emitter } from './emitter.ts';

interface Argument {
  readonly steps: readonly Step[];
  readonly value: Eval;
}

/** `print(...)`: always holds, also when an argument is undefined. Several values of an argument are several lines. */
export function emitPrint(emitter: Emitter, call: Extract<Term, { kind: 'call' }>): void {
  const args = call.args.map((term): Argument => {
    const inner = emitter.inner();
    inner.language.body(inner, [], [term]);
    const value = inner.language.value(inner, term);
    return { steps: inner.steps, value };
  });
  const { line } = call.at;
  emitter.test((frame, context) => {
    printAll(args, line, frame, context);
    return true;
  });
}

function printAll(args: readonly Argument[], line: number, frame: Frame, context: Context): void {
  const values: (Value | undefined)[] = [];
  for (const [index, arg] of args.entries()) {
    if (arg.steps.length === 0) {
      values.push(arg.value(frame, context));
      continue;
    }
    const found: (Value | undefined)[] = [];
    runSteps(arg.steps, 0, frame, context, () => {
      spendCreated(1);
      found.push(arg.value(frame, context));
      return false;
    });
    if (found.length > 1) return printProduct(args, line, frame, context, values, found, index);
    values.push(found[0]);
  }
  context.print(line, values);
}

/** The rest of the arguments once for each value of the one at `index`. */
function printProduct(
  args: readonly Argument[],
  line: number,
  frame: Frame,
  context: Context,
  before: readonly (Value | undefined)[],
  found: readonly (Value | undefined)[],
  index: number,
): void {
  for (const value of found) {
    spend(args.length);
    const fixed = [...before, value].map((known): Argument => ({ steps: [], value: () => known }));
    printAll([...fixed, ...args.slice(index + 1)], line, frame, context);
  }
}
