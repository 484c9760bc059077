import { chmod, fchown } from '../../../sys/file.ts';
import { findGroupId, findMode } from '../ephemeral-options.ts';
import { ensureTarget } from '../mount-storage.ts';
import { removeEmptyDirectory } from '../release-mount.ts';
import type { CheckedStorage, StorageDriver } from '../storage.ts';

const SETGID = 0o2000;
const KEEP_OWNER = 0xffffffff;

/** The work: mkdir -p, group, mode (contract storage 4.6). Straight-line; may block, since it can lie on a share. */
function createDirectory(storage: CheckedStorage): void {
  const groupId = findGroupId(storage.options);
  const mode = findMode(storage.options);
  using place = ensureTarget(storage.target);
  try {
    if (groupId !== undefined) fchown(place.fd, KEEP_OWNER, groupId);
    if (mode !== undefined) {
      chmod(`/proc/self/fd/${place.fd.number}`, groupId === undefined ? mode : mode | SETGID);
    }
  } catch (error) {
    place.undo();
    throw error;
  }
}

/** A directory in the guest, for an emptyDir on disk. It lives as long as the VM. */
export const localDriver: StorageDriver = {
  name: 'local',
  isReleasedByContainers: false,
  check: ({ options }) => {
    findGroupId(options);
    findMode(options);
  },
  create: async (storage, context) => {
    await context.runBlocking(
      `create ${storage.target.path}`,
      () => {
        createDirectory(storage);
        return true;
      },
      () => removeEmptyDirectory(storage.target),
    );
  },
  // Only when the request that made it failed: an empty directory goes, one with content stays.
  release: async (storage, context) => {
    await context.runBlocking(`remove ${storage.target.path}`, () => {
      removeEmptyDirectory(storage.target);
      return true;
    });
  },
};
