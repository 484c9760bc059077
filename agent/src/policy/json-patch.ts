import { spend } from './fuel.ts';
import { equalValues } from './value/compare.ts';
import { objectOf } from './value/rego-object.ts';
import { isArray, isObject } from './value/value.ts';
import type { RegoObject, Value } from './value/value.ts';

/** Steps of a JSON Pointer (RFC 6901); undefined when it is none. */
function parsePointer(pointer: Value | undefined): readonly string[] | undefined {
  if (typeof pointer !== 'string') return undefined;
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The index a step stands for; `-` is the place behind the last element. */
function indexIn(array: readonly Value[], step: string, isInsertion: boolean): number | undefined {
  if (step === '-') return isInsertion ? array.length : undefined;
  if (!/^(?:0|[1-9]\d{0,8})$/.test(step)) return undefined;
  const index = Number(step);
  return index < array.length + (isInsertion ? 1 : 0) ? index : undefined;
}

function childOf(value: Value, step: string): Value | undefined {
  if (isObject(value)) return value.get(step);
  if (!isArray(value)) return undefined;
  const index = indexIn(value, step, false);
  return index === undefined ? undefined : value[index];
}

function find(document: Value, path: readonly string[]): Value | undefined {
  let value: Value | undefined = document;
  for (const step of path) value = value === undefined ? undefined : childOf(value, step);
  return value;
}

type Change = 'insert' | 'replace' | 'remove';

/** The document with one place changed; undefined when the place is not there. */
function changed(
  document: Value,
  path: readonly string[],
  change: Change,
  value: Value | undefined,
): Value | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return change === 'remove' ? undefined : value;
  const child = childOf(document, step);
  if (rest.length > 0) {
    const next = child === undefined ? undefined : changed(child, rest, change, value);
    return next === undefined ? undefined : withChild(document, step, next, 'replace');
  }
  if (change !== 'insert' && child === undefined) return undefined;
  return withChild(document, step, value, change);
}

function withChild(parent: Value, step: string, value: Value | undefined, change: Change): Value | undefined {
  if (isObject(parent)) {
    spend(1 + parent.size);
    const others = parent.entries().filter(([key]) => key !== step);
    return objectOf(value === undefined ? others : [...others, [step, value]]);
  }
  if (!isArray(parent)) return undefined;
  const index = indexIn(parent, step, change === 'insert');
  if (index === undefined) return undefined;
  spend(1 + parent.length);
  const items = [...parent];
  if (value === undefined) items.splice(index, 1);
  else items.splice(index, change === 'replace' ? 1 : 0, value);
  return items;
}

/** What a patch made, or the reason why it could not. */
export type Patched = { readonly document: Value } | string;

function applyOne(document: Value, operation: Value): Patched {
  if (!isObject(operation)) return 'an operation is not an object';
  const name = operation.get('op');
  const path = parsePointer(operation.get('path'));
  if (typeof name !== 'string' || path === undefined) return 'an operation needs op and path';
  const result = patched(document, operation, name, path);
  return result === undefined
    ? `${name.slice(0, 32)} ${String(operation.get('path'))} is not possible`
    : { document: result };
}

/** Undefined for an operation that is not known or not possible. */
function patched(document: Value, operation: RegoObject, name: string, path: readonly string[]): Value | undefined {
  const value = operation.get('value');
  const from = parsePointer(operation.get('from'));
  const source = from === undefined ? undefined : find(document, from);
  switch (name) {
    case 'add':
      return value === undefined ? undefined : changed(document, path, 'insert', value);
    case 'replace':
      return value === undefined ? undefined : changed(document, path, 'replace', value);
    case 'remove':
      return changed(document, path, 'remove', undefined);
    case 'copy':
      return source === undefined ? undefined : changed(document, path, 'insert', source);
    case 'move': {
      if (source === undefined || from === undefined) return undefined;
      // A place cannot move into itself (RFC 6902, 4.4).
      if (path.length > from.length && from.every((step, index) => path[index] === step)) return undefined;
      const without = changed(document, from, 'remove', undefined);
      return without === undefined ? undefined : changed(without, path, 'insert', source);
    }
    case 'test': {
      const found = find(document, path);
      return found !== undefined && value !== undefined && equalValues(found, value) ? document : undefined;
    }
    default:
      return undefined;
  }
}

/** RFC 6902 JSON Patch: all operations in order, or none. The document itself never changes. */
export function applyPatch(document: Value, operations: readonly Value[]): Patched {
  let current = document;
  for (const operation of operations) {
    const next = applyOne(current, operation);
    if (typeof next === 'string') return next;
    current = next.document;
  }
  return { document: current };
}
