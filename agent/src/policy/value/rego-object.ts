import { compareValues } from './compare.ts';
import { keyOf } from './key.ts';
import type { Key } from './key.ts';
import { Collection } from './value.ts';
import type { Entry, RegoObject, Value } from './value.ts';

/** A value that is made when somebody looks at it: the bytes of a request are an array that few policies read. */
export class Deferred {
  readonly #make: () => Value;

  constructor(make: () => Value) {
    this.#make = make;
  }

  force(): Value {
    return this.#make();
  }
}

const NO_COMPOUND_KEYS: ReadonlyMap<Key, Value> = new Map();

class MapObject extends Collection implements RegoObject {
  readonly kind = 'object';
  readonly #values: Map<Key, Value | Deferred>;
  /** Keys that are not their own Map key. */
  readonly #compoundKeys: ReadonlyMap<Key, Value>;
  #sorted: readonly Entry[] | undefined;

  constructor(values: Map<Key, Value | Deferred>, compoundKeys: ReadonlyMap<Key, Value>) {
    super();
    this.#values = values;
    this.#compoundKeys = compoundKeys;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: Value): Value | undefined {
    return this.#at(keyOf(key));
  }

  has(key: Value): boolean {
    return this.#values.has(keyOf(key));
  }

  entries(): readonly Entry[] {
    if (this.#sorted !== undefined) return this.#sorted;
    const entries: Entry[] = [];
    for (const index of this.#values.keys()) {
      const key = this.#compoundKeys.get(index) ?? index;
      entries.push([key, this.#at(index) as Value]);
    }
    this.#sorted = entries.sort(([a], [b]) => compareValues(a, b));
    return this.#sorted;
  }

  #at(index: Key): Value | undefined {
    const value = this.#values.get(index);
    if (!(value instanceof Deferred)) return value;
    const made = value.force();
    this.#values.set(index, made);
    return made;
  }
}

export const EMPTY_OBJECT: RegoObject = new MapObject(new Map(), NO_COMPOUND_KEYS);

/** Later entries replace earlier ones with the same key. */
export function objectOf(entries: Iterable<readonly [Value, Value | Deferred]>): RegoObject {
  const values = new Map<Key, Value | Deferred>();
  let compound: Map<Key, Value> | undefined;
  for (const [key, value] of entries) {
    const index = keyOf(key);
    values.set(index, value);
    if (index !== key) (compound ??= new Map<Key, Value>()).set(index, key);
  }
  return new MapObject(values, compound ?? NO_COMPOUND_KEYS);
}

/** Of keys that are strings; the map belongs to the object from now on. */
export function objectOfStrings(values: Map<string, Value | Deferred>): RegoObject {
  for (const key of values.keys()) if (keyOf(key) !== key) return objectOf(values);
  return new MapObject(values, NO_COMPOUND_KEYS);
}
