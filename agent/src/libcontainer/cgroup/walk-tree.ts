import { DT_DIR, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, readDirectory } from '../../sys/file.ts';

export const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Names of the cgroups right below one; none when it is gone. */
export function childNames(directory: Fd): string[] {
  try {
    return readDirectory('.', directory)
      .filter(({ type }) => type === DT_DIR)
      .map(({ name }) => name);
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'ENODEV')) return [];
    throw error;
  }
}

/** Opens a cgroup below `parent`; undefined when it is gone. */
export function tryEnter(parent: Fd, name: string): Fd | undefined {
  try {
    return open(name, folderFlags, 0, parent);
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'ENODEV')) return undefined;
    throw error;
  }
}

/**
 * Calls `visit` with a cgroup and everything below it, parents first. Iterative and with one descriptor at a time however deep
 * a workload nested its groups (CGN-11): the way up is `..`, which is safe because v2 cgroups cannot be moved. Groups that
 * go away meanwhile are passed over.
 */
export function visitTree(top: Fd, visit: (directory: Fd) => void): void {
  let current = open('.', folderFlags, 0, top);
  try {
    visit(current);
    const pending = [childNames(current)];
    for (let names = pending.at(-1); names !== undefined; names = pending.at(-1)) {
      const name = names.pop();
      const next = name === undefined ? undefined : tryEnter(current, name);
      if (name !== undefined && next === undefined) continue;
      if (next === undefined) {
        pending.pop();
        if (pending.length === 0) return;
        const up = open('..', folderFlags, 0, current);
        current.close();
        current = up;
        continue;
      }
      current.close();
      current = next;
      visit(current);
      pending.push(childNames(current));
    }
  } finally {
    current.close();
  }
}
