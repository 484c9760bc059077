import { describeError, DomainError } from '../../base/errors.ts';
import { findGroupId, withoutGroupId } from './ephemeral-options.ts';
import { ensureTarget, mountOn } from './mount-storage.ts';
import { parseMountPoint } from './mount-point.ts';
import type { Storage, StorageContext } from './storage.ts';

/** The work for one entry; straight-line, runs in a child. */
function updateOne(storage: Storage, options: readonly string[]): void {
  const target = parseMountPoint(storage.mountPoint);
  using place = ensureTarget(target);
  if (storage.options.length === 0) return;
  try {
    mountOn(place.fd, { source: storage.source, fstype: storage.fstype, options, target });
  } catch (error) {
    place.undo();
    throw error;
  }
}

/**
 * Changes memory volumes, usually their size after the VM's memory grew (UpdateEphemeralMounts, contract storage 4.5):
 * makes each mount point, and mounts with the options given (`remount`, `size=`). Stops at the first failure; earlier
 * entries stay as they are then. All entries are checked before the first is touched.
 */
export async function updateEphemeralMounts(storages: readonly Storage[], context: StorageContext): Promise<void> {
  try {
    for (const storage of storages) checkUpdate(storage);
    for (const storage of storages) {
      const options = withoutGroupId(storage.options);
      await context.runBlocking(`update ${storage.mountPoint}`, () => {
        updateOne(storage, options);
        return true;
      });
    }
  } catch (error) {
    const code = error instanceof DomainError && error.code === 'invalid_argument' ? error.code : 'internal';
    throw new DomainError(code, `Failed to update mounts: ${describeError(error)}`);
  }
}

function checkUpdate(storage: Storage): void {
  if (storage.driver !== 'ephemeral') {
    throw new DomainError('internal', `storage ${storage.mountPoint} has driver ${storage.driver}, not ephemeral`);
  }
  parseMountPoint(storage.mountPoint);
  findGroupId(storage.options);
}
