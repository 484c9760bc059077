import { MAX_NESTING } from '../limits.ts';
import { fromFloat } from './number.ts';
import { objectOfStrings } from './rego-object.ts';
import type { Value } from './value.ts';

/** The value that a parsed JSON document stands for; undefined when it holds what JSON cannot, or nests too deep. */
export function fromJson(json: unknown, depth = 0): Value | undefined {
  if (json === null || typeof json === 'boolean' || typeof json === 'string' || typeof json === 'bigint') return json;
  if (typeof json === 'number') return fromFloat(json);
  if (typeof json !== 'object' || depth > MAX_NESTING) return undefined;
  if (Array.isArray(json)) {
    const items: Value[] = [];
    for (const item of json) {
      const value = fromJson(item, depth + 1);
      if (value === undefined) return undefined;
      items.push(value);
    }
    return items;
  }
  const values = new Map<string, Value>();
  for (const [key, item] of Object.entries(json)) {
    const value = fromJson(item, depth + 1);
    if (value === undefined) return undefined;
    values.set(key, value);
  }
  return objectOfStrings(values);
}
