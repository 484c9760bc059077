import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { chown, fchown, readText } from '../../sys/file.ts';

/** Files that a delegatee needs (Documentation/admin-guide/cgroup-v2.rst, "Model of Delegation"), where the kernel has no list. */
const leastFiles = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/** The group of the containing namespace stays. */
const unchangedGid = 0xffff_ffff;

/** Gives a cgroup to a user: the directory, so that groups can be made in it, and the files that the kernel lists for this. */
export function delegateCgroup(directory: Fd, uid: number): void {
  let files = leastFiles;
  try {
    files = readText('/sys/kernel/cgroup/delegate')
      .split('\n')
      // Plain names only: they become paths.
      .filter((name) => /^[a-z][a-z0-9_.]*$/.test(name));
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
  fchown(directory, uid, unchangedGid);
  for (const file of files) {
    try {
      chown(file, uid, unchangedGid, { at: directory, nofollow: true });
    } catch (error) {
      // Files of controllers that are not enabled here.
      if (!isSysError(error, 'ENOENT')) throw error;
    }
  }
}
