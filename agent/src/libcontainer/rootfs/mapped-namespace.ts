import { CLONE_NEWUSER, O_RDONLY, SIGKILL } from '../../abi/constants.ts';
import { wrapError } from '../../base/errors.ts';
import type { IdMapping } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, writeFile } from '../../sys/file.ts';
import { clone3, exit, pauseForEver, pidfdSignal, setParentDeathSignal, waitBlocking } from '../../sys/process.ts';

/** Text of `/proc/<pid>/uid_map` (user_namespaces(7)): ids inside, ids outside, how many. */
export function formatIdMap(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`).join('');
}

/** The helper only has to exist. */
function beHelper(): never {
  try {
    setParentDeathSignal(SIGKILL);
    pauseForEver();
  } finally {
    exit(1);
  }
}

/**
 * A user namespace with the given maps and no process in it, for id-mapped mounts. It lives as long as the descriptor, or a
 * mount that uses it. The child that it takes to make one is gone when this returns, whatever happened.
 */
export function createMappedNamespace(uids: readonly IdMapping[], gids: readonly IdMapping[]): Fd {
  const child = clone3({ flags: CLONE_NEWUSER });
  if (child === 'child') beHelper();
  using pidfd = child.pidfd;
  try {
    writeFile(`/proc/${child.pid}/uid_map`, formatIdMap(uids));
    writeFile(`/proc/${child.pid}/gid_map`, formatIdMap(gids));
    return open(`/proc/${child.pid}/ns/user`, O_RDONLY);
  } catch (error) {
    throw wrapError('user namespace of an id-mapped mount', error);
  } finally {
    pidfdSignal(pidfd, SIGKILL);
    waitBlocking(pidfd);
  }
}
