import { isArray, isSet } from '../value/value.ts';
import type { Value } from '../value/value.ts';

/** Elements of an array or set; undefined for anything else. */
export function elementsOf(value: Value | undefined): readonly Value[] | undefined {
  if (value === undefined) return undefined;
  if (isArray(value)) return value;
  return isSet(value) ? value.members() : undefined;
}

/** Elements of an array or set when all of them are strings. */
export function stringsOf(value: Value | undefined): readonly string[] | undefined {
  const items = elementsOf(value);
  return items?.every((item) => typeof item === 'string') === true ? items : undefined;
}

/** A whole number that an index or a length can be. */
export function indexOf(value: Value | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}
