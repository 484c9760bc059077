import { invalidArgument } from '../../base/errors.ts';
import type { DomainError } from '../../base/errors.ts';
import { maxMapEntries } from '../proto-values.ts';
import { maxDepth } from './exact-json.ts';
import { isWithin, type IntegerRange } from './integer-range.ts';
import { inexactNumber } from './inexact-number.ts';
import { kindOf, memberPath, quote } from './json-place.ts';
import type { JsonPlace } from './json-place.ts';

/** What the reading of one document collects. */
export interface JsonSession {
  /** Numbers are exact: those beyond 2^53 came as bigints. */
  readonly isExact: boolean;
  /** Keys seen so far, to be compared with those of the text. */
  keys: number;
  /** What was accepted without effect, one line each. */
  readonly warnings: string[];
}

/** Most entries of a list of objects, such as mounts: each takes a kilobyte of the engine's heap. */
const maxObjects = 10_000;

type Value = Readonly<Record<string, unknown>>;

/** Most lists of most documents are left out. */
const none: readonly never[] = [];

/** The keys an object may have: few, so that a search is as fast as a set, which would have to be made at each start. */
export type KnownKeys = readonly string[];

/** The keys of one object. */
export function knownKeys(...keys: readonly string[]): KnownKeys {
  return keys;
}

/**
 * One object of a document: typed access to its members, with errors that name their path. `null` is an absent member, as for
 * the programs that write such documents.
 */
export class JsonObject implements JsonPlace {
  readonly session: JsonSession;
  readonly #value: Value;
  readonly #parent: JsonPlace | undefined;
  readonly #key: string;
  readonly #index: number | undefined;

  /**
   * `key` is the object's place in `parent`, or the name of the document. Throws when `value` is no object, or has a key that
   * differs from a known one only in case.
   */
  constructor(session: JsonSession, value: unknown, known: KnownKeys, parent?: JsonPlace, key = '', index?: number) {
    this.session = session;
    this.#parent = parent;
    this.#key = key;
    this.#index = index;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalidArgument(parent === undefined ? key : this.path, `must be an object, not ${kindOf(value)}`);
    this.#value = value as Value;
    const keys = Object.keys(value);
    session.keys += keys.length;
    for (const name of keys) if (!known.includes(name)) this.#unknown(name, known);
  }

  get path(): string {
    if (this.#parent === undefined) return '';
    const path = memberPath(this.#parent.path, this.#key);
    return this.#index === undefined ? path : `${path}[${this.#index}]`;
  }

  /** Unknown members are ignored, as the specification asks; but a wrong spelling must not switch a setting off. */
  #unknown(name: string, known: KnownKeys): void {
    const lower = name.toLowerCase();
    for (const key of known) if (key.toLowerCase() === lower) throw this.error(name, `is not known; ${key} is`);
    this.#skip(this.#value[name], name, 0);
  }

  #skip(value: unknown, name: string, depth: number): void {
    if (typeof value !== 'object' || value === null) return;
    if (depth > maxDepth) throw this.error(name, `nested deeper than ${maxDepth} levels`);
    if (Array.isArray(value)) {
      for (const item of value) this.#skip(item, name, depth + 1);
      return;
    }
    const keys = Object.keys(value);
    this.session.keys += keys.length;
    for (const key of keys) this.#skip((value as Value)[key], name, depth + 1);
  }

  /** An error about one member. */
  error(key: string, reason: string): DomainError {
    return invalidArgument(this.pathOf(key), reason);
  }

  pathOf(key: string): string {
    return memberPath(this.path, key);
  }

  warn(key: string, text: string): void {
    this.session.warnings.push(`${this.pathOf(key)}: ${text}`);
  }

  has(key: string): boolean {
    const value = this.#value[key];
    return value !== undefined && value !== null;
  }

  /** Passes over a member that is known and not read. */
  ignore(key: string): void {
    this.#skip(this.#value[key], key, 0);
  }

  #get(key: string): unknown {
    return this.#value[key] ?? undefined;
  }

  string(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.error(key, `must be a string, not ${kindOf(value)}`);
  }

  /** A string for which empty means absent. */
  text(key: string): string | undefined {
    const value = this.string(key);
    return value === '' ? undefined : value;
  }

  requiredString(key: string): string {
    const value = this.text(key);
    if (value === undefined) throw this.error(key, 'missing');
    return value;
  }

  boolean(key: string): boolean {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'boolean') return value ?? false;
    throw this.error(key, `must be true or false, not ${kindOf(value)}`);
  }

  #number(key: string, range: IntegerRange): number | bigint | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' && typeof value !== 'bigint')
      throw this.error(key, `must be an integer, not ${kindOf(value)}`);
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      if (!this.session.isExact && Number.isInteger(value)) throw inexactNumber;
      throw this.error(key, `${value} is not an integer`);
    }
    if (!isWithin(value, range)) throw this.error(key, `${value} is not within ${range.min}..${range.max}`);
    return value;
  }

  /** An integer of at most 2^53. */
  integer(key: string, range: IntegerRange): number | undefined {
    const value = this.#number(key, range);
    // Adding 0 makes a plain zero of a negative one.
    return value === undefined ? undefined : Number(value) + 0;
  }

  /** An integer of up to 64 bits, exact. */
  bigint(key: string, range: IntegerRange): bigint | undefined {
    const value = this.#number(key, range);
    return value === undefined ? undefined : BigInt(value);
  }

  #list(key: string): readonly unknown[] {
    const value = this.#get(key);
    if (value === undefined) return none;
    if (!Array.isArray(value)) throw this.error(key, `must be a list, not ${kindOf(value)}`);
    return value;
  }

  strings(key: string): readonly string[] {
    const list = this.#list(key);
    for (let index = 0; index < list.length; index++) {
      const item = list[index];
      if (typeof item !== 'string')
        throw invalidArgument(`${this.pathOf(key)}[${index}]`, `must be a string, not ${kindOf(item)}`);
    }
    return list as readonly string[];
  }

  integers(key: string, range: IntegerRange): readonly number[] {
    return this.#list(key).map((item, index) => {
      const at = `${this.pathOf(key)}[${index}]`;
      if (typeof item !== 'number' || !Number.isInteger(item))
        throw invalidArgument(at, `must be an integer, not ${typeof item === 'number' ? item : kindOf(item)}`);
      if (!isWithin(item, range)) throw invalidArgument(at, `${item} is not within ${range.min}..${range.max}`);
      return item + 0;
    });
  }

  object(key: string, known: KnownKeys): JsonObject | undefined {
    const value = this.#get(key);
    return value === undefined ? undefined : new JsonObject(this.session, value, known, this, key);
  }

  /** A list of objects, each given to `read`. */
  objects<T>(key: string, known: KnownKeys, read: (item: JsonObject, index: number) => T): readonly T[] {
    const list = this.#list(key);
    if (list.length === 0) return none;
    if (list.length > maxObjects) throw this.error(key, `${list.length} entries, at most ${maxObjects} are accepted`);
    return list.map((item, index) => read(new JsonObject(this.session, item, known, this, key, index), index));
  }

  /** The keys of a member that is a map; refused by count before anything is made of them. */
  #mapKeys(key: string): { readonly map: Value; readonly keys: readonly string[] } {
    const value = this.#get(key) ?? {};
    if (typeof value !== 'object' || Array.isArray(value))
      throw this.error(key, `must be an object, not ${kindOf(value)}`);
    const keys = Object.keys(value);
    this.session.keys += keys.length;
    if (keys.length > maxMapEntries)
      throw this.error(key, `${keys.length} entries, at most ${maxMapEntries} are accepted`);
    return { map: value as Value, keys };
  }

  stringMap(key: string): ReadonlyMap<string, string> {
    const result = new Map<string, string>();
    const { map, keys } = this.#mapKeys(key);
    for (const name of keys) {
      const value = map[name];
      if (typeof value !== 'string')
        throw invalidArgument(memberPath(this.pathOf(key), name), `must be a string, not ${kindOf(value)}`);
      result.set(name, value);
    }
    return result;
  }

  objectMap<T>(key: string, known: KnownKeys, read: (item: JsonObject, name: string) => T): ReadonlyMap<string, T> {
    const { map, keys } = this.#mapKeys(key);
    const parent: JsonPlace = { path: this.pathOf(key) };
    return new Map(
      keys.map(
        (name) => [name, read(new JsonObject(this.session, map[name] ?? {}, known, parent, name), name)] as const,
      ),
    );
  }

  /** A member that must be one of `names`; undefined when absent. */
  oneOf<T extends string>(key: string, names: readonly T[], noun: string): T | undefined {
    const value = this.string(key);
    if (value === undefined) return undefined;
    const known = names.find((name) => name === value);
    if (known === undefined) throw this.error(key, `unknown ${noun} ${quote(value)}`);
    return known;
  }
}
