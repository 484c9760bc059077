import { spend, spendText } from '../fuel.ts';
import { Collection } from './value.ts';
import type { RegoObject, RegoSet, Value } from './value.ts';

const SURROGATE = /[\ud800-\udfff]/;

/** The order of types: null, booleans, numbers, strings, arrays, objects, sets. */
function rankOf(value: Value): number {
  if (value === null) return 0;
  switch (typeof value) {
    case 'boolean':
      return 1;
    case 'number':
    case 'bigint':
      return 2;
    case 'string':
      return 3;
    default:
      if (!(value instanceof Collection)) return 4;
      return value.kind === 'object' ? 5 : 6;
  }
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** By code points, as the UTF-8 of both compares; UTF-16 puts surrogates before U+E000. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  spendText(Math.min(a.length, b.length));
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length);
  spend(1 + (length >> 2));
  for (let index = 0; index < length; index++) {
    const order = compareValues(a[index] as Value, b[index] as Value);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: RegoObject, b: RegoObject): number {
  const left = a.entries();
  const right = b.entries();
  const length = Math.min(left.length, right.length);
  spend(1 + (length >> 1));
  for (let index = 0; index < length; index++) {
    const [keyA, valueA] = left[index] as readonly [Value, Value];
    const [keyB, valueB] = right[index] as readonly [Value, Value];
    const order = compareValues(keyA, keyB) || compareValues(valueA, valueB);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** The language's order of all values: negative, zero or positive. Takes time in proportion to the smaller value. */
export function compareValues(a: Value, b: Value): number {
  if (a === b) return 0;
  const rank = rankOf(a);
  const difference = rank - rankOf(b);
  if (difference !== 0) return difference;
  switch (rank) {
    case 1:
      return a === true ? 1 : -1;
    case 2:
      return (a as number) < (b as number) ? -1 : 1;
    case 3:
      return compareStrings(a as string, b as string);
    case 4:
      return compareLists(a as readonly Value[], b as readonly Value[]);
    case 5:
      return compareObjects(a as RegoObject, b as RegoObject);
    default:
      return compareLists((a as RegoSet).members(), (b as RegoSet).members());
  }
}

/** Whether two values are equal. */
export function equalValues(a: Value, b: Value): boolean {
  // Text of one length is compared unit by unit.
  if (typeof a === 'string' && typeof b === 'string' && a.length === b.length) spendText(a.length);
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof Collection) {
    if (!(b instanceof Collection) || a.kind !== b.kind) return false;
    return (a as RegoObject).size === (b as RegoObject).size && compareValues(a, b) === 0;
  }
  if (b instanceof Collection || a.length !== b.length) return false;
  spend(1 + (a.length >> 2));
  for (let index = 0; index < a.length; index++) if (!equalValues(a[index] as Value, b[index] as Value)) return false;
  return true;
}
