import { invalidArgument } from './errors.ts';

/** PATH_MAX without its NUL, and NAME_MAX (linux/limits.h), in bytes; text is longer in bytes than in units, never shorter. */
const maxPathBytes = 4095;
const maxNameBytes = 255;

/**
 * The names of an absolute path: empty names and `.` dropped. Purely textual; symbolic links are for the kernel to resolve.
 * Throws `invalid_argument` for a relative path, a `..`, and what the kernel could not take.
 */
export function pathNames(path: string, field: string): readonly string[] {
  if (!path.startsWith('/')) throw invalidArgument(field, `${JSON.stringify(path)} is not absolute`);
  if (path.length > maxPathBytes) throw invalidArgument(field, `path of ${path.length} bytes is too long`);
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const name of names) {
    if (name === '..') throw invalidArgument(field, `${JSON.stringify(path)} contains ..`);
    if (name.length > maxNameBytes) throw invalidArgument(field, `a name of ${name.length} bytes is too long`);
  }
  return names;
}

/** Nothing to clean, and too short to hold a name that is too long: nearly every path there is. */
function isPlain(path: string): boolean {
  return (
    path.length <= maxNameBytes &&
    path.length > 1 &&
    path.startsWith('/') &&
    !path.endsWith('/') &&
    !path.includes('//') &&
    !path.includes('/.')
  );
}

/** `path` in its one canonical spelling: `/`, or `/a/b` without trailing slash. Throws as `pathNames`. */
export function cleanPath(path: string, field: string): string {
  return isPlain(path) ? path : `/${pathNames(path, field).join('/')}`;
}
