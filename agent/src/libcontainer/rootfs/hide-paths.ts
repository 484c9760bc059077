import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLONE,
} from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, isCharDevice, isDirectory } from '../../sys/file.ts';
import {
  configureString,
  createFilesystem,
  mountFilesystem,
  mountSetattr,
  moveMount,
  openFilesystem,
  openTree,
} from '../../sys/mount.ts';
import type { ContainerRoot } from './container-root.ts';

/** The path for reference, undefined when it (or a directory above it) does not exist; anything else is an error. */
function tryOpen(root: ContainerRoot, path: string): Fd | undefined {
  try {
    return root.tryOpen(path);
  } catch (error) {
    if (isSysError(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Makes each path and what is mounted below it read-only, by a clone of it laid over it. */
export function makeReadonly(root: ContainerRoot, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      using place = tryOpen(root, path);
      if (place === undefined) continue;
      using tree = openTree('', OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE, place);
      mountSetattr(tree, '', { set: MOUNT_ATTR_RDONLY, recursive: true });
      moveMount(tree, place, '');
    } catch (error) {
      throw wrapError(path, error);
    }
  }
}

/** The container's `/dev/null`, checked on the descriptor that is going to be used (MNT-06). */
function openNull(root: ContainerRoot): Fd {
  const found = root.openExact('/dev/null');
  const node = fstat(found);
  if (isCharDevice(node) && node.rdevMajor === 1 && node.rdevMinor === 3) return found;
  found.close();
  throw new DomainError(
    'invalid_argument',
    '/dev/null of the container is not the null device, so nothing can be masked',
  );
}

function openEmptyFolder(label: string | undefined): Fd {
  using context = openFilesystem('tmpfs');
  configureString(context, 'mode', '0555');
  configureString(context, 'nr_inodes', '1');
  if (label !== undefined) configureString(context, 'context', label);
  createFilesystem(context);
  const attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return mountFilesystem(context, attributes);
}

/**
 * Hides paths: a file under the null device, a directory under an empty read-only tmpfs that all of them share (MNT-07).
 * Missing paths are skipped. `label` is the SELinux context of that tmpfs.
 */
export function maskPaths(root: ContainerRoot, paths: readonly string[], label?: string): void {
  let nullDevice: Fd | undefined;
  let emptyFolder: Fd | undefined;
  for (const path of paths) {
    try {
      using place = tryOpen(root, path);
      if (place === undefined) continue;
      if (!isDirectory(fstat(place))) {
        nullDevice ??= openNull(root);
        using tree = openTree('', OPEN_TREE_CLONE | AT_EMPTY_PATH, nullDevice);
        moveMount(tree, place, '');
      } else if (emptyFolder === undefined) {
        // Attached first, because only an attached mount can be cloned (before Linux 6.15).
        emptyFolder = openEmptyFolder(label);
        moveMount(emptyFolder, place, '');
      } else {
        using tree = openTree('', OPEN_TREE_CLONE | AT_EMPTY_PATH, emptyFolder);
        moveMount(tree, place, '');
      }
    } catch (error) {
      throw wrapError(path, error);
    }
  }
  nullDevice?.close();
  emptyFolder?.close();
}
