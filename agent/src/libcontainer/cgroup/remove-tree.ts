import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../../abi/constants.ts';
import { DT_DIR } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, readDirectory, rmdir } from '../../sys/file.ts';

function childNames(directory: Fd): string[] {
  return readDirectory('.', directory)
    .filter(({ type }) => type === DT_DIR)
    .map(({ name }) => name);
}

/**
 * Removes the cgroup `name` of `parent` and everything below it, deepest first. Iterative, because a workload may nest groups
 * as deep as it likes (CGN-11). Descriptors are held for the current path only. Throws EBUSY while processes are left.
 */
export function removeCgroupTree(parent: Fd, name: string): void {
  // Nearly always it has no children: then this needs no descriptor, of which there may be none left (LIV-03).
  if (tryRemove(parent, name)) return;
  const path: { readonly fd: Fd; readonly name: string; readonly children: string[] }[] = [];
  const enter = (at: Fd, child: string): void => {
    let fd: Fd;
    try {
      fd = open(child, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, at);
    } catch (error) {
      if (isSysError(error, 'ENOENT')) return;
      throw error;
    }
    const children: string[] = [];
    path.push({ fd, name: child, children });
    children.push(...childNames(fd));
  };
  try {
    enter(parent, name);
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const child = last.children.pop();
      if (child !== undefined) {
        enter(last.fd, child);
        continue;
      }
      path.pop();
      last.fd.close();
      removeOne(path.at(-1)?.fd ?? parent, last.name);
    }
  } finally {
    for (const { fd } of path) fd.close();
  }
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
