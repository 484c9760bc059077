import { spend, spendCreated } from '../fuel.ts';
import { lookup } from '../evaluate/lookup.ts';
import { applyPatch } from '../json-patch.ts';
import { equalValues } from '../value/compare.ts';
import { EMPTY_OBJECT, objectOf } from '../value/rego-object.ts';
import { setOf } from '../value/rego-set.ts';
import { isArray, isObject, isSet } from '../value/value.ts';
import type { RegoObject, Value } from '../value/value.ts';
import { elementsOf } from './arguments.ts';
import { builtin } from './builtin.ts';
import type { BuiltinTable } from './builtin.ts';

/** Keys of an array, a set, or an object (its own keys). */
function keysOf(value: Value | undefined): readonly Value[] | undefined {
  if (value !== undefined && isObject(value)) return value.entries().map(([key]) => key);
  return elementsOf(value);
}

function get(object: Value, path: Value, fallback: Value): Value | undefined {
  if (!isObject(object)) return undefined;
  let value: Value | undefined = object;
  for (const key of isArray(path) ? path : [path]) value = value === undefined ? undefined : lookup(value, key);
  return value === undefined ? fallback : value;
}

/** Right wins; objects on both sides are joined. */
function union(left: RegoObject, right: RegoObject): RegoObject {
  spendCreated(left.size + right.size);
  const joined = right.entries().map(([key, value]) => {
    const other = left.get(key);
    return [key, other !== undefined && isObject(other) && isObject(value) ? union(other, value) : value] as const;
  });
  return objectOf([...left.entries(), ...joined]);
}

function isSubset(whole: Value, part: Value): boolean | undefined {
  if (isObject(whole) && isObject(part))
    return part.entries().every(([key, value]) => {
      const found = whole.get(key);
      if (found === undefined) return false;
      return isObject(found) && isObject(value) ? isSubset(found, value) : equalValues(found, value);
    });
  if (isSet(whole) && isSet(part)) return part.members().every((member) => whole.has(member));
  if (isArray(whole) && isSet(part))
    return part.members().every((member) => whole.some((item) => equalValues(item, member)));
  if (isArray(whole) && isArray(part)) {
    if (part.length > whole.length) return false;
    for (let at = 0; at + part.length <= whole.length; at++) {
      spend(1);
      if (part.every((item, index) => equalValues(item, whole[at + index] as Value))) return true;
    }
    return false;
  }
  return undefined;
}

function picked(object: Value | undefined, keys: Value | undefined, keeps: boolean): Value | undefined {
  const names = keysOf(keys);
  if (object === undefined || !isObject(object) || names === undefined) return undefined;
  const chosen = setOf(names);
  spendCreated(object.size);
  return objectOf(object.entries().filter(([key]) => chosen.has(key) === keeps));
}

export const objectBuiltins: BuiltinTable = {
  'object.get': builtin(3, (object, path, fallback) => get(object, path, fallback)),
  'object.keys': builtin(1, (object) => (isObject(object) ? setOf(object.entries().map(([key]) => key)) : undefined)),
  'object.remove': builtin(2, (object, keys) => picked(object, keys, false)),
  'object.filter': builtin(2, (object, keys) => picked(object, keys, true)),
  'object.union': builtin(2, (left, right) => (isObject(left) && isObject(right) ? union(left, right) : undefined)),
  'object.union_n': builtin(1, (objects) =>
    isArray(objects) && objects.every(isObject) ? objects.reduce(union, EMPTY_OBJECT) : undefined,
  ),
  'object.subset': builtin(2, (whole, part) => isSubset(whole, part)),
  'json.patch': builtin(2, (document, operations) => {
    const result = isArray(operations) ? applyPatch(document, operations) : '';
    return typeof result === 'string' ? undefined : result.document;
  }),
};
