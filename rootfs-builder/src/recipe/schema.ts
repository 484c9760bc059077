import { suggestion } from './suggest.ts';

/** One thing that is wrong in a document, with the path of the key: `base.packges: unknown key`. */
export interface Issue {
  readonly path: string;
  readonly problem: string;
}

/** Reads one value; what is wrong goes into `issues`, and then the result is null. */
export type Schema<T> = (value: unknown, path: string, issues: Issue[]) => T | null;

/** Text, which must not be empty nor hold a NUL. */
export const text: Schema<string> = (value, path, issues) => {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  return wrong(issues, path, `must be text${value === '' ? ' that is not empty' : `, not ${typeName(value)}`}`);
};

/** Text that may be empty. */
export const anyText: Schema<string> = (value, path, issues) =>
  typeof value === 'string' ? value : wrong(issues, path, `must be text, not ${typeName(value)}`);

/** true or false. */
export const flag: Schema<boolean> = (value, path, issues) =>
  typeof value === 'boolean' ? value : wrong(issues, path, `must be true or false, not ${typeName(value)}`);

/** Any table. */
export const anyTable: Schema<Readonly<Record<string, unknown>>> = (value, path, issues) =>
  isTable(value) ? value : wrong(issues, path, `must be a table, not ${typeName(value)}`);

/** One of some words. */
export function oneOf<T extends string>(words: readonly T[]): Schema<T> {
  return (value, path, issues) => {
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    const told = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeName(value);
    const hint = typeof value === 'string' ? suggestion(value, words) : '';
    return wrong(issues, path, `must be one of ${words.join(', ')}, not ${told}${hint}`);
  };
}

/** Text of a form, which is told in words when it does not fit. */
export function matching(pattern: RegExp, words: string): Schema<string> {
  return (value, path, issues) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    return wrong(issues, path, `must be ${words}, not ${shown(value)}`);
  };
}

/** A value of another schema, turned into something else; `convert` throws or returns undefined for what it refuses. */
export function converted<A, B>(schema: Schema<A>, convert: (value: A) => B | undefined, words: string): Schema<B> {
  return (value, path, issues) => {
    const before = schema(value, path, issues);
    if (before === null) return null;
    const after = convert(before);
    return after === undefined ? wrong(issues, path, `must be ${words}, not ${shown(value)}`) : after;
  };
}

/** The first of two schemas if the value is text, else the second. */
export function textOr<A, B>(ofText: Schema<A>, other: Schema<B>): Schema<A | B> {
  return (value, path, issues) =>
    typeof value === 'string' ? ofText(value, path, issues) : other(value, path, issues);
}

/** A whole number within bounds. */
export function integer(least: number, most: number): Schema<number> {
  return (value, path, issues) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    return wrong(issues, path, `must be a number from ${least} to ${most}, not ${shown(value)}`);
  };
}

/** A list of values. */
export function listOf<T>(item: Schema<T>): Schema<readonly T[]> {
  return (value, path, issues) => {
    if (!Array.isArray(value)) return wrong(issues, path, `must be a list, not ${typeName(value)}`);
    const items = value.map((each, index) => item(each, `${path}[${index}]`, issues));
    return items.every((each) => each !== null) ? items : null;
  };
}

/** Schemas of a table's keys. */
export type Fields<T> = { readonly [K in keyof T]-?: Schema<NonNullable<T[K]>> };

/** A table in which every key is known; all but `required` may be absent. */
export function tableOf<T extends object>(fields: Fields<T>, required: readonly (keyof T & string)[] = []): Schema<T> {
  const known = Object.keys(fields);
  return (value, path, issues) => {
    if (!isTable(value))
      return wrong(issues, path === '' ? '(recipe)' : path, `must be a table, not ${typeName(value)}`);
    const before = issues.length;
    const at = (key: string): string => (path === '' ? printedKey(key) : `${path}.${printedKey(key)}`);
    const result = Object.create(null) as Record<string, unknown>;
    for (const [key, each] of Object.entries(value)) {
      if (!Object.hasOwn(fields, key)) issues.push({ path: at(key), problem: `unknown key${suggestion(key, known)}` });
      else result[key] = fields[key as keyof T](each, at(key), issues);
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key)) issues.push({ path: at(key), problem: 'is missing' });
    }
    return issues.length === before ? ({ ...result } as T) : null;
  };
}

function wrong(issues: Issue[], path: string, problem: string): null {
  issues.push({ path, problem });
  return null;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function printedKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key.slice(0, 80));
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 80))
    : typeof value === 'number'
      ? String(value)
      : typeName(value);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return String(value);
    default:
      return isTable(value) ? 'a table' : typeof value;
  }
}
