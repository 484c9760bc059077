import { invalidArgument } from '../../base/errors.ts';
import { maxDepth } from './exact-json.ts';
import { memberPath } from './json-place.ts';

function checkText(text: string, path: string): void {
  if (text.includes('\0')) throw invalidArgument(path, 'contains a NUL byte');
  if (!text.isWellFormed()) throw invalidArgument(path, 'contains half of a surrogate pair');
}

function walk(value: unknown, path: string, document: string, depth: number): void {
  const place = path === '' ? document : path;
  if (depth > maxDepth) throw invalidArgument(place, `nested deeper than ${maxDepth} levels`);
  if (typeof value === 'string') checkText(value, place);
  else if (Array.isArray(value)) value.forEach((item, index) => walk(item, `${path}[${index}]`, document, depth + 1));
  else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) {
      const member = memberPath(path, key);
      checkText(key, member);
      walk((value as Record<string, unknown>)[key], member, document, depth + 1);
    }
  }
}

/**
 * Refuses strings that could not reach the kernel as they are: with a NUL byte, or with half of a surrogate pair. In a
 * well-formed document both can only come from an escape, so callers skip documents without a backslash.
 */
export function checkStrings(value: unknown, text: string, document: string): void {
  if (text.includes('\\u0000') || text.includes('\\ud') || text.includes('\\uD')) walk(value, '', document, 0);
}
