import { BuildError } from '../../build-error.ts';

/** A JSON document of unknown shape. */
export type Json = Readonly<Record<string, unknown>>;

/** Parses a document that must be an object. */
export function parseDocument(bytes: Uint8Array, what: string): Json {
  const value = parseAny(bytes, what);
  if (!isObject(value)) throw new BuildError(`${what}: not a JSON object`);
  return value;
}

/** Parses any JSON. */
export function parseAny(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new BuildError(`${what}: not JSON`, error);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of an object that is a list; absent is empty. */
export function listOf(document: Json, key: string, what: string): readonly unknown[] {
  const value = own(document, key);
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new BuildError(`${what}: ${key} is not a list`);
  return value;
}

/** A member that is text, or undefined. */
export function textOf(document: Json, key: string): string | undefined {
  const value = own(document, key);
  return typeof value === 'string' ? value : undefined;
}

/** A member of the object itself, not of its prototype. */
export function own(document: Json, key: string): unknown {
  return Object.hasOwn(document, key) ? document[key] : undefined;
}
