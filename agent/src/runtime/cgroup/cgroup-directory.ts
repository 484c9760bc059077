import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import { runtimeCgroupPolicy } from '../../libcontainer/cgroup/cgroup-policy.ts';
import { Cgroup } from '../../libcontainer/cgroup/cgroup.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, readText } from '../../sys/file.ts';
import type { StoredState } from '../state/stored-state.ts';

/** The directory of a container's cgroup, undefined when it is gone or there never was one. The caller closes it. */
export function openCgroupDirectory({ cgroup }: StoredState): Fd | undefined {
  if (cgroup === undefined) return undefined;
  try {
    return open(`${cgroup.root}${cgroup.path}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'ENODEV')) return undefined;
    throw error;
  }
}

/** The cgroup of a container, for what cannot be done without one. The caller closes it. */
export function requireCgroup(state: StoredState, operation: string, log: Logger): Cgroup {
  if (state.cgroup === undefined) {
    throw new DomainError('failed_precondition', `cannot ${operation}: container ${state.id} has no cgroup of its own`);
  }
  return Cgroup.open(state.cgroup.root, state.cgroup.path, log, runtimeCgroupPolicy);
}

/** Somebody froze the cgroup. A file that cannot be read says no. */
export function isFrozen({ cgroup }: StoredState): boolean {
  if (cgroup === undefined) return false;
  try {
    return readText(`${cgroup.root}${cgroup.path}/cgroup.freeze`).startsWith('1');
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}
