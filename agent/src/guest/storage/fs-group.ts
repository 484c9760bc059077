import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { chmod, fchown, fstat, isDirectory, isSymlink, open, openAt, readDirectoryFd } from '../../sys/file.ts';
import { fsGroupMode, isFsGroupApplied } from './fs-group-mode.ts';
import type { FsGroup } from './storage.ts';

/** Stays inside the volume: upstream follows links to directories and so changes files outside of it. */
const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

/** uid -1 of chown(2): leave the owner. */
const KEEP_OWNER = 0xffffffff;

/**
 * Gives a volume to a group (contract storage section 5): every file and directory gets the group and the group's mode
 * bits, symlinks are left alone. Throws SysError, e.g. EROFS for a volume that is really read-only.
 *
 * @param root O_PATH or readable descriptor of the volume's root, reached through its mount.
 */
export function applyFsGroup(root: Fd, group: FsGroup, isReadOnly: boolean): void {
  const state = fstat(root);
  if (group.changePolicy === 'on_root_mismatch' && isFsGroupApplied(state, group.groupId, isReadOnly)) return;
  changeOne(root, group.groupId, isReadOnly);
  if (isDirectory(state)) changeInside(root, group.groupId, isReadOnly);
}

function changeInside(directory: Fd, groupId: number, isReadOnly: boolean): void {
  // The descriptor is O_PATH; reading needs a real one of the same directory, which `.` cannot miss.
  using readable = open('.', O_RDONLY | O_DIRECTORY, 0, directory);
  for (const entry of readDirectoryFd(readable)) {
    using fd = tryOpen(readable, entry.name);
    if (fd !== undefined && changeOne(fd, groupId, isReadOnly)) changeInside(fd, groupId, isReadOnly);
  }
}

/** Undefined for what vanished meanwhile and for a mount inside the volume. O_PATH opens no device and waits for no FIFO. */
function tryOpen(directory: Fd, name: string): Fd | undefined {
  try {
    return openAt(directory, name, { flags: O_PATH | O_NOFOLLOW, resolve: RESOLVE });
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'EXDEV')) return undefined;
    throw error;
  }
}

/** Changes one file; true when it is a directory. */
function changeOne(fd: Fd, groupId: number, isReadOnly: boolean): boolean {
  const state = fstat(fd);
  if (isSymlink(state)) return false;
  const isFolder = isDirectory(state);
  // chown clears set-id bits, so the mode comes second and is made from what was there before.
  if (state.gid !== groupId) fchown(fd, KEEP_OWNER, groupId);
  const mode = fsGroupMode(state.mode, isFolder, isReadOnly) & 0o7777;
  // fchmod refuses O_PATH descriptors; the link in /proc leads to exactly this file.
  if (mode !== (state.mode & 0o7777) || state.gid !== groupId) chmod(`/proc/self/fd/${fd.number}`, mode);
  return isFolder;
}
