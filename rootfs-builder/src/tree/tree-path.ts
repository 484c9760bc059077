import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';

/** NAME_MAX of Linux file systems, in bytes. */
const MAX_COMPONENT_BYTES = 255;
/** PATH_MAX without the NUL. */
const MAX_PATH_BYTES = 4095;

/**
 * Checks a path inside a tree and gives it back. It is relative to the tree's root, "." being the root itself; there is
 * one spelling for each place, so "a//b", "a/", "./a" and "a/../b" are refused like absolute paths. A newline is refused
 * because lists of paths, ours and others', have one path on a line.
 */
export function checkTreePath(path: string): string {
  if (path === '.') return path;
  const reason = faultOf(path);
  if (reason !== undefined) throw new BuildError(`path ${shorten(path)}: ${reason}`);
  return path;
}

/** The path of the directory that holds `path`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '.' : path.slice(0, slash);
}

/**
 * Bytes whose order is that of an archive: the root first, each directory followed by all that is in it, names by their
 * bytes. (As the separator sorts lowest, "a/z" stands before "a-b".)
 */
export function sortKeyOf(path: string): Uint8Array {
  return path === '.' ? new Uint8Array(0) : encodeBytes(path.replaceAll('/', '\0'));
}

function faultOf(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'must be relative to the root of the tree';
  if (/[\n\0]/.test(path)) return 'contains a newline or NUL';
  if (encodeBytes(path).length > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  for (const component of path.split('/')) {
    if (component === '' || component === '.' || component === '..') return `contains the component "${component}"`;
    if (encodeBytes(component).length > MAX_COMPONENT_BYTES)
      return `has a name longer than ${MAX_COMPONENT_BYTES} bytes`;
  }
  return undefined;
}

function shorten(path: string): string {
  return JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}...` : path);
}
