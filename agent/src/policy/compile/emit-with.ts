import { spendCreated } from '../fuel.ts';
import { withPath } from '../evaluate/lookup.ts';
import { runSteps } from '../evaluate/program.ts';
import type { Context } from '../evaluate/context.ts';
import type { Eval, Frame } from '../evaluate/program.ts';
import type { Modifier, Term } from '../syntax/ast.ts';
import { EMPTY_OBJECT } from '../value/rego-object.ts';
import { isObject } from '../value/value.ts';
import type { RegoObject, Value } from '../value/value.ts';
import { Emitter } from './emitter.ts';

interface Substitution {
  readonly document: 'input' | 'data';
  readonly path: readonly Value[];
  readonly value: Eval;
}

/**
 * A statement with `with`: all its solutions are found with the other documents, then the body goes on with the own ones.
 * `emitPlain` emits the statement without its modifiers.
 */
export function emitWith(emitter: Emitter, modifiers: readonly Modifier[], emitPlain: (inner: Emitter) => void): void {
  const substitutions = modifiers.map((modifier) => substitutionOf(emitter, modifier));
  const inner = new Emitter(emitter.names, emitter.language, emitter.scope, emitter.bound);
  emitPlain(inner);
  const outputs = [...inner.bound].filter((slot) => !emitter.bound.has(slot));
  for (const slot of outputs) emitter.bound.add(slot);
  emitter.each((frame, context, next) => {
    const documents = substituted(substitutions, frame, context);
    if (documents === undefined) return false;
    const solutions: (Value | undefined)[][] = [];
    context.substitute(documents.input, documents.data, () =>
      runSteps(inner.steps, 0, frame, context, () => {
        spendCreated(outputs.length + 1);
        solutions.push(outputs.map((slot) => frame[slot]));
        return false;
      }),
    );
    return solutions.some((solution) => {
      outputs.forEach((slot, index) => (frame[slot] = solution[index]));
      return next();
    });
  });
}

function substitutionOf(emitter: Emitter, { target, value }: Modifier): Substitution {
  const head = target.kind === 'reference' ? target.head : target;
  const steps: readonly Term[] = target.kind === 'reference' ? target.path : [];
  const document = head.kind === 'variable' ? head.name : '';
  if (document !== 'input' && document !== 'data')
    return emitter.fail(target.at, 'with replaces input or data, nothing else');
  const path = steps.map((step) =>
    step.kind === 'constant' ? step.value : emitter.fail(step.at, 'the target of with is a fixed path'),
  );
  if (document === 'data' && path[0] === emitter.names.packagePath[0])
    emitter.fail(target.at, 'with cannot replace rules');
  return { document, path, value: emitter.language.value(emitter, value) };
}

function substituted(
  substitutions: readonly Substitution[],
  frame: Frame,
  context: Context,
): { input: Value; data: RegoObject } | undefined {
  let { input, data }: { input: Value; data: Value } = context;
  for (const { document, path, value } of substitutions) {
    const replacement = value(frame, context);
    if (replacement === undefined) return undefined;
    if (document === 'input') input = withPath(input, path, replacement);
    else data = withPath(data, path, replacement);
  }
  return { input, data: isObject(data) ? data : EMPTY_OBJECT };
}
