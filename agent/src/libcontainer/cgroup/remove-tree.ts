import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, rmdir } from '../../sys/file.ts';
import { childNames, folderFlags, tryEnter } from './walk-tree.ts';

/**
 * Removes the cgroup `name` of `parent` and everything below it, deepest first. Iterative and with one descriptor, because a
 * workload may nest groups as deep as it likes (CGN-11). Throws EBUSY while processes are left.
 */
export function removeCgroupTree(parent: Fd, name: string): void {
  // Nearly always it has no children: then this needs no descriptor, of which there may be none left (LIV-03).
  if (tryRemove(parent, name)) return;
  let current = tryEnter(parent, name);
  if (current === undefined) return;
  try {
    const levels = [{ name, children: childNames(current) }];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const child = level.children.pop();
      if (child !== undefined) {
        if (tryRemove(current, child)) continue;
        const next = tryEnter(current, child);
        if (next === undefined) continue;
        current.close();
        current = next;
        levels.push({ name: child, children: childNames(current) });
        continue;
      }
      levels.pop();
      if (levels.length === 0) break;
      const up: Fd = open('..', folderFlags, 0, current);
      current.close();
      current = up;
      removeOne(current, level.name);
    }
  } finally {
    current.close();
  }
  removeOne(parent, name);
}

/** False when the group has children or processes. */
function tryRemove(at: Fd, name: string): boolean {
  try {
    removeOne(at, name);
    return true;
  } catch (error) {
    if (isSysError(error, 'EBUSY')) return false;
    throw error;
  }
}

function removeOne(at: Fd, name: string): void {
  try {
    rmdir(name, at);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
}
