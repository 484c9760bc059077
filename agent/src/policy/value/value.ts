/**
 * A value of a policy. Immutable. Whole numbers beyond 2^53 are bigint and only those, so that equal numbers have equal types; "undefined" of
 * the language is `undefined` and never part of a value.
 */
export type Value = null | boolean | number | bigint | string | readonly Value[] | RegoObject | RegoSet;

export type Entry = readonly [key: Value, value: Value];

/** What objects and sets share: a class that tells them from arrays. */
export abstract class Collection {
  abstract readonly kind: 'object' | 'set';
  abstract readonly size: number;
}

/** Values by key, of which any value may be one. */
export interface RegoObject extends Collection {
  readonly kind: 'object';
  get(key: Value): Value | undefined;
  has(key: Value): boolean;
  /** Sorted by key. */
  entries(): readonly Entry[];
}

export interface RegoSet extends Collection {
  readonly kind: 'set';
  has(value: Value): boolean;
  /** Sorted. */
  members(): readonly Value[];
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isObject(value: Value): value is RegoObject {
  return value instanceof Collection && value.kind === 'object';
}

export function isSet(value: Value): value is RegoSet {
  return value instanceof Collection && value.kind === 'set';
}

export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' | 'set';

/** The language's own name of a value's type. */
export function typeName(value: Value): TypeName {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'string':
      return 'string';
    case 'number':
    case 'bigint':
      return 'number';
    default:
      return value instanceof Collection ? value.kind : 'array';
  }
}
