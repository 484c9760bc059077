import { canonicalText } from './canonical-text.ts';
import type { Value } from './value.ts';

/** What stands for a value in a Map, by value: simple values themselves, compound ones as text that no string can be. */
export type Key = null | boolean | number | bigint | string;

/** Begins the keys that are not plain strings. */
const MARK = '\0';

/** The key of a value. Equal values have equal keys, others have not. */
export function keyOf(value: Value): Key {
  if (typeof value === 'string') return value.startsWith(MARK) ? `${MARK}s${value}` : value;
  if (value === null || typeof value !== 'object') return value;
  return `${MARK}c${canonicalText(value)}`;
}
