import { DomainError, invalidArgument } from '../../base/errors.ts';
import { checkStrings } from './check-strings.ts';
import { countKeys } from './count-keys.ts';
import { parseExactJson } from './exact-json.ts';
import { inexactNumber } from './inexact-number.ts';
import type { JsonSession } from './json-object.ts';

/** Largest document accepted, in bytes. Callers look at the file's size first; a thousand times what engines write. */
export const maxJsonBytes = 16 * 1024 * 1024;

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
  const hasEscapes = text.includes('\\');
  if (hasEscapes) checkStrings(document, text, name);
  const session: JsonSession = { isExact: false, keys: 0, warnings: [] };
  try {
    const result = read(session, document);
    return session.keys === countKeys(text, hasEscapes) ? { result } : undefined;
  } catch (error) {
    if (error === inexactNumber) return undefined;
    throw error;
  }
}

/**
 * Reads a JSON document called `name`. JSON.parse does the work for nearly all of them; where it would round a number or drop a
 * key given twice, the document is parsed again, exactly. Throws `invalid_argument` that names the path, and nothing else.
 */
export function readJson<T>(text: string, name: string, read: Reader<T>): T {
  if (text.length > maxJsonBytes)
    throw new DomainError('invalid_argument', `${name}: ${text.length} bytes, at most ${maxJsonBytes} are accepted`);
  if (!text.isWellFormed()) throw invalidArgument(name, 'is not UTF-8');
  const fast = readFast(text, name, read);
  if (fast !== undefined) return fast.result;
  const document = parseExactJson(text, name);
  checkStrings(document, text, name);
  return read({ isExact: true, keys: 0, warnings: [] }, document);
}
