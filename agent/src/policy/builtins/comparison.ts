import { forEachEntry } from '../evaluate/lookup.ts';
import { compareValues, equalValues } from '../value/compare.ts';
import { isSet } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { builtin } from './builtin.ts';
import type { BuiltinTable } from './builtin.ts';

function compared(holds: (order: number) => boolean): BuiltinTable[string] {
  return builtin(2, (a, b) => holds(compareValues(a, b)));
}

function isMember(value: Value, collection: Value): boolean {
  if (isSet(collection)) return collection.has(value);
  return forEachEntry(collection, (_key, item) => equalValues(item, value));
}

/** All values have an order, so these are defined for any two. */
export const comparisonBuiltins: BuiltinTable = {
  equal: builtin(2, (a, b) => equalValues(a, b)),
  neq: builtin(2, (a, b) => !equalValues(a, b)),
  lt: compared((order) => order < 0),
  lte: compared((order) => order <= 0),
  gt: compared((order) => order > 0),
  gte: compared((order) => order >= 0),
  'internal.member_2': builtin(2, (value, collection) => isMember(value, collection)),
  'internal.member_3': builtin(3, (key, value, collection) =>
    forEachEntry(collection, (k, item) => equalValues(k, key) && equalValues(item, value)),
  ),
};
