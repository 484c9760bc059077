import { forEachEntry } from '../evaluate/lookup.ts';
import { hasSolution, runSteps } from '../evaluate/program.ts';
import type { Eval } from '../evaluate/program.ts';
import type { Statement, Term } from '../syntax/ast.ts';
import { isWildcard } from '../syntax/cursor.ts';
import type { Value } from '../value/value.ts';
import type { Emitter } from './emitter.ts';
import { emitMatch } from './emit-match.ts';
import { emitPrint } from './emit-print.ts';
import { emitWith } from './emit-with.ts';
import { isComputable, isMatchable } from './readiness.ts';
import { forEachVariable, termsOf } from './variables.ts';

/** Emits the steps of one statement. */
export function emitStatement(emitter: Emitter, statement: Statement): void {
  if (statement.modifiers.length === 0) return emitPlain(emitter, statement);
  emitWith(emitter, statement.modifiers, (inner) => emitPlain(inner, statement));
}

function emitPlain(emitter: Emitter, statement: Statement): void {
  const valueOf = (term: Term): Eval => emitter.language.value(emitter, term);
  switch (statement.kind) {
    case 'declare':
      return;
    case 'assign':
      return emitMatch(emitter, statement.target, valueOf(statement.value));
    case 'unify': {
      const { left, right } = statement;
      if (isComputable(emitter, left) && isMatchable(emitter, right)) emitMatch(emitter, right, valueOf(left));
      else emitMatch(emitter, left, valueOf(right));
      return;
    }
    case 'some':
      return emitSome(emitter, statement);
    case 'every':
      return emitEvery(emitter, statement);
    case 'not':
      return emitNot(emitter, statement);
    case 'expression': {
      const { term } = statement;
      if (term.kind === 'call' && term.name === 'print') return emitPrint(emitter, term);
      const value = valueOf(term);
      emitter.test((frame, context) => {
        const found = value(frame, context);
        return found !== undefined && found !== false;
      });
    }
  }
}

function emitSome(emitter: Emitter, statement: Extract<Statement, { kind: 'some' }>): void {
  const domain = emitter.language.value(emitter, statement.domain);
  // Straight into the variables where the terms are some.
  const keySlot = statement.key === undefined ? undefined : emitter.unboundSlot(statement.key);
  const valueSlot = emitter.unboundSlot(statement.value);
  const keyAt = keySlot ?? emitter.temporary();
  const valueAt = valueSlot ?? emitter.temporary();
  emitter.bound.add(keyAt).add(valueAt);
  emitter.each((frame, context, next) =>
    forEachEntry(domain(frame, context), (key, item) => {
      frame[keyAt] = key;
      frame[valueAt] = item;
      return next();
    }),
  );
  if (statement.key !== undefined && keySlot === undefined) emitMatch(emitter, statement.key, (frame) => frame[keyAt]);
  if (valueSlot === undefined) emitMatch(emitter, statement.value, (frame) => frame[valueAt]);
}

function isCollection(value: Value | undefined): boolean {
  return typeof value === 'object' && value !== null;
}

function emitEvery(emitter: Emitter, statement: Extract<Statement, { kind: 'every' }>): void {
  const domain = emitter.language.value(emitter, statement.domain);
  const inner = emitter.inner();
  const declare = (term: Term | undefined): number => {
    const slot = term?.kind === 'variable' ? inner.scope.declare(term.name) : inner.temporary();
    inner.bound.add(slot);
    return slot;
  };
  const keyAt = declare(statement.key);
  const valueAt = declare(statement.value);
  const body = inner.inner();
  body.language.body(body, statement.body, []);
  emitter.test((frame, context) => {
    const collection = domain(frame, context);
    if (!isCollection(collection)) return false;
    return !forEachEntry(collection, (key, item) => {
      frame[keyAt] = key;
      frame[valueAt] = item;
      return !hasSolution(body.steps, frame, context);
    });
  });
}

function emitNot(emitter: Emitter, statement: Extract<Statement, { kind: 'not' }>): void {
  for (const inner of statement.body)
    for (const term of termsOf(inner))
      forEachVariable(term, (name) => {
        if (inner.kind !== 'some' && emitter.scope.find(name) === undefined && emitter.names.find(name) === undefined)
          emitter.fail(term.at, `variable ${isWildcard(name) ? '_' : name} is unsafe: not gives no value to it`);
      });
  const inner = emitter.inner();
  inner.language.body(inner, statement.body, []);
  const { steps } = inner;
  emitter.test((frame, context) => !runSteps(steps, 0, frame, context, () => true));
}
