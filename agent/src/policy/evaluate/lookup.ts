import { spend } from '../fuel.ts';
import { isArray, isObject, isSet } from '../value/value.ts';
import type { RegoObject, Value } from '../value/value.ts';
import { objectOf } from '../value/rego-object.ts';

/** `value[key]`: an element, an object's value, or a set's member itself. */
export function lookup(value: Value, key: Value): Value | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (isArray(value)) return typeof key === 'number' ? value[key] : undefined;
  if (isObject(value)) return value.get(key);
  return value.has(key) ? key : undefined;
}

/** Calls `visit` for each element until it returns true, and returns whether it did. Keys of a set are its members. */
export function forEachEntry(value: Value | undefined, visit: (key: Value, item: Value) => boolean): boolean {
  if (value === undefined || value === null || typeof value !== 'object') return false;
  if (isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      spend(1);
      if (visit(index, value[index] as Value)) return true;
    }
    return false;
  }
  if (isSet(value)) {
    for (const member of value.members()) {
      spend(1);
      if (visit(member, member)) return true;
    }
    return false;
  }
  for (const [key, item] of value.entries()) {
    spend(1);
    if (visit(key, item)) return true;
  }
  return false;
}

/** `root` with `value` at the end of the path; what is no object on the way is replaced by one. */
export function withPath(root: Value | undefined, path: readonly Value[], value: Value): Value {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const object: RegoObject | undefined = root !== undefined && isObject(root) ? root : undefined;
  spend(1 + (object?.size ?? 0));
  return objectOf([...(object?.entries() ?? []), [key, withPath(object?.get(key), rest, value)]]);
}
