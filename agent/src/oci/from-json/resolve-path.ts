/**
 * `path` counted from the directory `base`, in its plain form: no `.`, no `..`, no doubled or trailing slash. Purely textual, as
 * runc does it: `a/../b` is `b` even where `a` is a symbolic link.
 */
export function resolvePath(base: string, path: string): string {
  const names: string[] = [];
  for (const name of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
