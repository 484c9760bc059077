import { DomainError, invalidArgument } from '../../base/errors.ts';
import { checkStrings } from './check-strings.ts';
import { hasOnlyKeys } from './count-keys.ts';
import { parseExactJson } from './exact-json.ts';
import { inexactNumber } from './inexact-number.ts';
import type { JsonSession } from './json-object.ts';

/**
 * Largest document accepted, in bytes; callers look at the file's size first. A hundred times what engines write, and room for
 * all arguments and environment that execve(2) takes.
 */
export const maxJsonBytes = 4 * 1024 * 1024;

type Reader<T> = (session: JsonSession, document: unknown) => T;

/** The answer of JSON.parse; undefined when it finds a mistake, which the exact parser then names. */
function parseFast(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads with native speed; undefined when only the exact parser can tell what the text says. */
function readFast<T>(text: string, name: string, read: Reader<T>): { readonly result: T } | undefined {
  const document = parseFast(text);
  if (document === undefined) return undefined;
  const hasEscapes = text.split('\\').length > 1;
  if (hasEscapes) checkStrings(document, text, name);
  const session: JsonSession = { isExact: false, keys: 0, warnings: [] };
  try {
    const result = read(session, document);
    return hasOnlyKeys(text, hasEscapes, session.keys) ? { result } : undefined;
  } catch (error) {
    if (error === inexactNumber) return undefined;
    throw error;
  }
}

function readExactly<T>(text: string, name: string, read: Reader<T>): T {
  const document = parseExactJson(text, name);
  checkStrings(document, text, name);
  return read({ isExact: true, keys: 0, warnings: [] }, document);
}

/** The engine has 64 MiB for everything, and says so by throwing null or an InternalError. */
function isOutOfMemory(error: unknown): boolean {
  return error === null || (error instanceof Error && error.message === 'out of memory');
}

/**
 * Reads a JSON document called `name`. JSON.parse does the work for nearly all of them; where it would round a number or drop a
 * key given twice, the document is parsed again, exactly. Throws `invalid_argument` that names the path, `resource_exhausted`
 * for a document that takes all memory, or what `read` throws.
 */
export function readJson<T>(text: string, name: string, read: Reader<T>): T {
  if (text.length > maxJsonBytes)
    throw invalidArgument(name, `${text.length} bytes, at most ${maxJsonBytes} are accepted`);
  if (!text.isWellFormed()) throw invalidArgument(name, 'is not UTF-8');
  try {
    const fast = readFast(text, name, read);
    return fast === undefined ? readExactly(text, name, read) : fast.result;
  } catch (error) {
    if (isOutOfMemory(error)) throw new DomainError('resource_exhausted', `${name}: takes more memory than there is`);
    throw error;
  }
}
