import type { Eval } from '../evaluate/program.ts';
import type { Term } from '../syntax/ast.ts';
import { equalValues } from '../value/compare.ts';
import { isArray, isObject } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import type { Emitter } from './emitter.ts';

/** Emits steps that hold when the value fits the term; new variables in it get their values. */
export function emitMatch(emitter: Emitter, pattern: Term, value: Eval): void {
  const slot = emitter.unboundSlot(pattern);
  if (slot !== undefined) return emitAssign(emitter, slot, value);
  if (pattern.kind === 'array') return emitArray(emitter, pattern, value);
  if (pattern.kind === 'object') return emitObject(emitter, pattern, value);
  const expected = emitter.language.value(emitter, pattern);
  emitter.test((frame, context) => {
    const found = value(frame, context);
    if (found === undefined) return false;
    const wanted = expected(frame, context);
    return wanted !== undefined && equalValues(found, wanted);
  });
}

function emitAssign(emitter: Emitter, slot: number, value: Eval): void {
  emitter.bound.add(slot);
  emitter.test((frame, context) => {
    const found = value(frame, context);
    frame[slot] = found;
    return found !== undefined;
  });
}

/** The value in a slot, since its parts are looked at one by one, if it has the pattern's form. */
function emitStore(emitter: Emitter, value: Eval, fits: (found: Value) => boolean): number {
  const slot = emitter.temporary();
  emitAssign(emitter, slot, value);
  emitter.test((frame) => fits(frame[slot] as Value));
  return slot;
}

function emitArray(emitter: Emitter, pattern: Extract<Term, { kind: 'array' }>, value: Eval): void {
  const { length } = pattern.items;
  const slot = emitStore(emitter, value, (found) => isArray(found) && found.length === length);
  pattern.items.forEach((item, index) => emitMatch(emitter, item, (frame) => (frame[slot] as readonly Value[])[index]));
}

function emitObject(emitter: Emitter, pattern: Extract<Term, { kind: 'object' }>, value: Eval): void {
  const { length } = pattern.entries;
  const slot = emitStore(emitter, value, (found) => isObject(found) && found.size === length);
  for (const [keyTerm, item] of pattern.entries) {
    const key = emitter.language.value(emitter, keyTerm);
    emitMatch(emitter, item, (frame, context) => {
      const found = frame[slot] as Value;
      const index = key(frame, context);
      return index !== undefined && isObject(found) ? found.get(index) : undefined;
    });
  }
}
