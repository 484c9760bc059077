import { compareValues } from './compare.ts';
import { keyOf } from './key.ts';
import type { Key } from './key.ts';
import { Collection } from './value.ts';
import type { RegoSet, Value } from './value.ts';

class MapSet extends Collection implements RegoSet {
  readonly kind = 'set';
  readonly #members: ReadonlyMap<Key, Value>;
  #sorted: readonly Value[] | undefined;

  constructor(members: ReadonlyMap<Key, Value>) {
    super();
    this.#members = members;
  }

  get size(): number {
    return this.#members.size;
  }

  has(value: Value): boolean {
    return this.#members.has(keyOf(value));
  }

  members(): readonly Value[] {
    return (this.#sorted ??= [...this.#members.values()].sort(compareValues));
  }
}

export const EMPTY_SET: RegoSet = new MapSet(new Map());

/** Each value once. */
export function setOf(members: Iterable<Value>): RegoSet {
  const byKey = new Map<Key, Value>();
  for (const member of members) byKey.set(keyOf(member), member);
  return new MapSet(byKey);
}
