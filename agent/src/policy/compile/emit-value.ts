import { spendCreated } from '../fuel.ts';
import { EvaluationError } from '../policy-error.ts';
import { runSteps } from '../evaluate/program.ts';
import type { Eval } from '../evaluate/program.ts';
import type { Comprehension, Term } from '../syntax/ast.ts';
import { equalValues } from '../value/compare.ts';
import { objectOf } from '../value/rego-object.ts';
import { setOf } from '../value/rego-set.ts';
import type { RegoObject, Value } from '../value/value.ts';
import type { Emitter } from './emitter.ts';
import { emitCall } from './emit-call.ts';
import { emitReference, emitVariable } from './emit-reference.ts';

/** Emits what must happen before, and gives what computes the term's value. */
export function emitValue(emitter: Emitter, term: Term): Eval {
  switch (term.kind) {
    case 'constant': {
      const { value } = term;
      return () => value;
    }
    case 'variable':
      return emitVariable(emitter, term);
    case 'reference':
      return emitReference(emitter, term);
    case 'call':
      return emitCall(emitter, term);
    case 'array':
      return emitItems(emitter, term.items, (values) => values);
    case 'set':
      return emitItems(emitter, term.items, setOf);
    case 'object':
      return emitObject(emitter, term.entries);
    case 'comprehension':
      return emitComprehension(emitter, term);
  }
}

function emitItems(emitter: Emitter, terms: readonly Term[], make: (values: readonly Value[]) => Value): Eval {
  const items = terms.map((item) => emitValue(emitter, item));
  return (frame, context) => {
    const values: Value[] = [];
    spendCreated(items.length);
    for (const item of items) {
      const value = item(frame, context);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return make(values);
  };
}

function emitObject(emitter: Emitter, terms: readonly (readonly [Term, Term])[]): Eval {
  const parts = terms.map(([key, value]) => [emitValue(emitter, key), emitValue(emitter, value)] as const);
  return (frame, context) => {
    const entries: (readonly [Value, Value])[] = [];
    spendCreated(parts.length);
    for (const [keyOf, valueOf] of parts) {
      const key = keyOf(frame, context);
      const value = valueOf(frame, context);
      if (key === undefined || value === undefined) return undefined;
      entries.push([key, value]);
    }
    return uniqueObject(entries);
  };
}

/** Throws EvaluationError when one key has two values. */
function uniqueObject(entries: readonly (readonly [Value, Value])[]): RegoObject {
  const object = objectOf(entries);
  if (object.size < entries.length && !entries.every(([key, value]) => equalValues(object.get(key) as Value, value)))
    throw new EvaluationError('an object would have two values for one key');
  return object;
}

function emitComprehension(emitter: Emitter, term: Comprehension): Eval {
  const inner = emitter.inner();
  inner.language.body(inner, term.body, term.key === undefined ? [term.term] : [term.key, term.term]);
  const keyOf = term.key === undefined ? undefined : emitValue(inner, term.key);
  const valueOf = emitValue(inner, term.term);
  const { steps } = inner;
  if (keyOf !== undefined)
    return (frame, context) => {
      const entries: (readonly [Value, Value])[] = [];
      runSteps(steps, 0, frame, context, () => {
        const key = keyOf(frame, context);
        const value = valueOf(frame, context);
        spendCreated(1);
        if (key !== undefined && value !== undefined) entries.push([key, value]);
        return false;
      });
      return uniqueObject(entries);
    };
  const isSet = term.result === 'set';
  return (frame, context) => {
    const values: Value[] = [];
    runSteps(steps, 0, frame, context, () => {
      const value = valueOf(frame, context);
      spendCreated(1);
      if (value !== undefined) values.push(value);
      return false;
    });
    return isSet ? setOf(values) : values;
  };
}
