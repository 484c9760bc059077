import { spend, spendCreated } from '../fuel.ts';
import { compareValues } from '../value/compare.ts';
import { isNumber } from '../value/number.ts';
import type { RegoNumber } from '../value/number.ts';
import { setOf } from '../value/rego-set.ts';
import { isArray, isObject, isSet } from '../value/value.ts';
import type { RegoSet, Value } from '../value/value.ts';
import { elementsOf, indexOf } from './arguments.ts';
import { builtin } from './builtin.ts';
import type { Builtin, BuiltinTable } from './builtin.ts';
import { arithmetic } from './numbers.ts';

function codePoints(text: string): number {
  spend(text.length >> 5);
  let count = text.length;
  for (let index = 0; index < text.length; index++) if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) count--;
  return count;
}

function count(value: Value): number | undefined {
  if (typeof value === 'string') return codePoints(value);
  if (isArray(value)) return value.length;
  return isSet(value) || isObject(value) ? value.size : undefined;
}

function folded(start: RegoNumber, run: (a: RegoNumber, b: RegoNumber) => RegoNumber | undefined): Builtin {
  return builtin(1, (collection) => {
    const items = elementsOf(collection);
    if (items === undefined) return undefined;
    spend(items.length);
    let result: RegoNumber | undefined = start;
    for (const item of items) {
      if (!isNumber(item) || result === undefined) return undefined;
      result = run(result, item);
    }
    return result;
  });
}

const add = (a: RegoNumber, b: RegoNumber): RegoNumber | undefined =>
  arithmetic(
    a,
    b,
    (x, y) => x + y,
    (x, y) => x + y,
  );
const multiply = (a: RegoNumber, b: RegoNumber): RegoNumber | undefined =>
  arithmetic(
    a,
    b,
    (x, y) => x * y,
    (x, y) => x * y,
  );

function extreme(sign: 1 | -1): Builtin {
  return builtin(1, (collection) => {
    let best: Value | undefined;
    for (const item of elementsOf(collection) ?? [])
      if (best === undefined || compareValues(item, best) * sign > 0) best = item;
    return best;
  });
}

function quantified(isAll: boolean): Builtin {
  return builtin(1, (collection) => {
    const items = elementsOf(collection);
    if (items === undefined) return undefined;
    spend(items.length);
    return isAll ? items.every((item) => item === true) : items.includes(true);
  });
}

function slice(array: Value | undefined, from: Value | undefined, to: Value | undefined): Value | undefined {
  const [start, end] = [indexOf(from), indexOf(to)];
  if (array === undefined || !isArray(array) || start === undefined || end === undefined) return undefined;
  const first = Math.max(start, 0);
  const last = Math.min(end, array.length);
  if (first >= last) return [];
  spendCreated(last - first);
  return array.slice(first, last);
}

function setOperation(run: (a: RegoSet, b: RegoSet) => Iterable<Value>): Builtin {
  return builtin(2, (a, b) => {
    if (!isSet(a) || !isSet(b)) return undefined;
    const [left, right] = [a, b];
    spendCreated(left.size + right.size);
    return setOf(run(left, right));
  });
}

/** A set of sets; undefined for anything else. */
function setsOf(value: Value | undefined): readonly RegoSet[] | undefined {
  if (value === undefined || !isSet(value)) return undefined;
  const sets = value.members();
  return sets.every(isSet) ? sets : undefined;
}

export const collectionBuiltins: BuiltinTable = {
  count: builtin(1, (value) => count(value)),
  sum: folded(0, add),
  product: folded(1, multiply),
  max: extreme(1),
  min: extreme(-1),
  all: quantified(true),
  any: quantified(false),
  sort: builtin(1, (collection) => {
    const items = elementsOf(collection);
    if (items === undefined) return undefined;
    spendCreated(items.length);
    return [...items].sort(compareValues);
  }),
  'array.concat': builtin(2, (a, b) => {
    if (!isArray(a) || !isArray(b)) return undefined;
    const joined = [...a, ...b];
    spendCreated(joined.length);
    return joined;
  }),
  'array.slice': builtin(3, slice),
  'array.reverse': builtin(1, (array) => {
    if (!isArray(array)) return undefined;
    spendCreated(array.length);
    return [...array].reverse();
  }),
  and: setOperation((a, b) => a.members().filter((member) => b.has(member))),
  or: setOperation((a, b) => [...a.members(), ...b.members()]),
  union: builtin(1, (collection) => {
    const sets = setsOf(collection);
    if (sets === undefined) return undefined;
    const members = sets.flatMap((set) => set.members());
    spendCreated(members.length);
    return setOf(members);
  }),
  intersection: builtin(1, (collection) => {
    const sets = setsOf(collection);
    if (sets === undefined) return undefined;
    const [first, ...others] = sets;
    spendCreated((first?.size ?? 0) * sets.length);
    return setOf((first?.members() ?? []).filter((member) => others.every((set) => set.has(member))));
  }),
};
