import { O_DIRECTORY, O_PATH, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '../../abi/constants.ts';
import type { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { openAt, readText } from '../../sys/file.ts';
import type { Cgroup } from '../cgroup/cgroup.ts';
import { subPathOf } from './sub-path.ts';

/** As much of a container's cgroup as an exec needs. */
type ExecCgroup = Pick<Cgroup, 'path' | 'directory' | 'openChild'>;

function initCgroup(cgroup: ExecCgroup, pid: number): Fd | undefined {
  try {
    const path = subPathOf(readText(`/proc/${pid}/cgroup`), cgroup.path);
    if (path === undefined) return undefined;
    const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    return openAt(cgroup.directory, path, { flags: O_PATH | O_DIRECTORY, resolve });
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
}

/**
 * Where an exec may live, best first: `<cgroup>/init` when the workload delegated its cgroup (contract, lifecycle 12.2), the
 * container's cgroup, and the group that init moved to, for when the container's own takes no processes any more.
 */
export function execCgroups(scope: Scope, cgroup: ExecCgroup, initPid: number | undefined): readonly Fd[] {
  const delegated = cgroup.openChild('init');
  const moved = initPid === undefined ? undefined : initCgroup(cgroup, initPid);
  for (const fd of [delegated, moved]) if (fd !== undefined) scope.use(fd);
  return [delegated, cgroup.directory, moved].filter((fd) => fd !== undefined);
}
