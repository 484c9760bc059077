import { O_DIRECTORY, O_PATH, UMOUNT_NOFOLLOW } from '../../abi/constants.ts';
import { isSysError, SysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicate } from '../../sys/descriptor.ts';
import { isDirectory, isRegular, open, rmdir, stat, fstat } from '../../sys/file.ts';
import { unmount } from '../../sys/mount.ts';
import { openBeneath } from '../files/open-beneath.ts';
import type { MountPoint } from './mount-point.ts';

/** The directory that holds the last part of `target`; undefined when it does not exist. */
function openParent(target: MountPoint): Fd | undefined {
  try {
    using base = open(target.base, O_PATH | O_DIRECTORY);
    const parents = target.parts.slice(0, -1);
    return parents.length === 0 ? duplicate(base) : openBeneath(base, parents.join('/'), O_DIRECTORY);
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Takes a storage's mount away (contract storage section 6): plain unmount, never lazy and never more than one mount; then
 * the directory, with rmdir only. An empty directory that cannot be removed and a file are left in silence. Throws when
 * the mount is busy or the directory is not empty.
 *
 * @param onlyMountId when given, only the mount with this id is taken away: another one has come to the place meanwhile.
 */
export function releaseMount(target: MountPoint, onlyMountId?: string): void {
  using parent = openParent(target);
  if (parent === undefined) return;
  const name = target.parts.at(-1) ?? '';
  if (onlyMountId !== undefined && String(tryStat(parent, name)?.mountId) !== onlyMountId) return;
  if (isMountedOn(parent, name)) {
    // The parent is held by descriptor, so nothing on the way can be swapped; the name itself is not followed.
    unmountAt(parent, name, target.path);
    if (isMountedOn(parent, name)) throw new Error(`${target.path} is still mounted`);
  }
  const state = tryStat(parent, name);
  if (state === undefined || isRegular(state)) return;
  if (!isDirectory(state)) throw new Error(`${target.path} is neither a directory nor a file`);
  try {
    rmdir(name, parent);
  } catch (error) {
    if (isSysError(error, 'ENOTEMPTY')) throw error;
  }
}

function unmountAt(parent: Fd, name: string, path: string): void {
  try {
    unmount(`/proc/self/fd/${parent.number}/${name}`, UMOUNT_NOFOLLOW);
  } catch (error) {
    if (!isSysError(error)) throw error;
    throw new SysError(error.call, error.errno, error.code, path);
  }
}

/** Removes the directory at `target` if it is empty and no mount; anything else stays as it is. */
export function removeEmptyDirectory(target: MountPoint): void {
  using parent = openParent(target);
  if (parent === undefined) return;
  try {
    rmdir(target.parts.at(-1) ?? '', parent);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

function tryStat(parent: Fd, name: string): ReturnType<typeof stat> | undefined {
  try {
    return stat(name, { at: parent, nofollow: true });
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isMountedOn(parent: Fd, name: string): boolean {
  const state = tryStat(parent, name);
  return state !== undefined && state.mountId !== fstat(parent).mountId;
}
