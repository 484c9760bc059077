import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLONE,
  RESOLVE_NO_SYMLINKS,
} from '../../abi/constants.ts';
import { wrapError } from '../../base/errors.ts';
import type { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, openAt } from '../../sys/file.ts';
import { mountSetattr, moveMount, openTree } from '../../sys/mount.ts';
import type { Propagation } from '../plan/launch-plan.ts';
import { ContainerRoot } from './container-root.ts';

/** MS_* bits by name (mount_namespaces(7)). */
export const propagationFlags: Readonly<Record<Propagation, number>> = {
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  shared: MS_SHARED,
  unbindable: MS_UNBINDABLE,
};

/**
 * Decides what the copied mounts of the guest still share with the guest's own. With `shared` they are left as they are: the
 * containers of such a spec want to be peers; the container's root is made private all the same.
 */
export function setGuestPropagation(kind: Propagation): void {
  if (kind === 'shared') return;
  mountSetattr(undefined, '/', { propagation: propagationFlags[kind], recursive: true });
}

/** Makes the mount that `path` lies in private, so that nothing attached there reaches the guest. */
function makeParentPrivate(path: string): void {
  for (let current = path; ; current = current.slice(0, current.lastIndexOf('/'))) {
    try {
      mountSetattr(undefined, current === '' ? '/' : current, { propagation: MS_PRIVATE });
      return;
    } catch (error) {
      // EINVAL: not the root of a mount, so look one level up.
      if (!isSysError(error, 'EINVAL') || current === '') throw error;
    }
  }
}

function openRoot(path: string): Fd {
  using guestRoot = open('/', O_PATH | O_DIRECTORY);
  return openAt(guestRoot, path, { flags: O_PATH | O_DIRECTORY, resolve: RESOLVE_NO_SYMLINKS });
}

function noRoot(path: string, error: unknown): DomainError {
  return wrapError(`root.path ${path} must be a directory reached without symbolic links`, error);
}

/** Opens the container's root directory: a path of the guest without symbolic links. */
export function findRoot(path: string): Fd {
  try {
    return openRoot(path);
  } catch (error) {
    throw noRoot(path, error);
  }
}

/**
 * The same before there are id maps; undefined where that is too early: a folder whose owner becomes the container's root can be
 * entered by that only (podman's `--userns=keep-id`).
 */
export function tryFindRoot(path: string): Fd | undefined {
  try {
    return openRoot(path);
  } catch (error) {
    if (isSysError(error, 'EACCES')) return undefined;
    throw noRoot(path, error);
  }
}

/**
 * Clones the tree at `path`, which is `found` when it had to be found earlier, and attaches the clone over it: from now on the container's
 * root is a mount of this namespace alone, reached by descriptor.
 */
export function attachRoot(path: string, keepsShared: boolean, found?: Fd): ContainerRoot {
  using place = found ?? findRoot(path);
  if (keepsShared) makeParentPrivate(path);
  const tree = openTree('', OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE, place);
  // Mounts of the container must not propagate out of it; a slave still learns what the guest mounts below the root.
  mountSetattr(tree, '', { propagation: keepsShared ? MS_PRIVATE : MS_SLAVE, recursive: true });
  moveMount(tree, place, '');
  return new ContainerRoot(tree);
}
