import { isSysError } from '../../../base/sys-error.ts';
import { readText } from '../../../sys/file.ts';
import { parseProcMounts } from '../../boot/proc-mounts.ts';
import { checkMount, mountStorage, unmountStorage } from '../mount-storage.ts';
import type { CheckedStorage, StorageDriver } from '../storage.ts';

/** Tag of the host's shared directory; the guest image may have mounted it before us. */
const SHARED_TAG = 'kataShared';

/** Reads the kernel's table, which is memory only and cannot block. */
function isMounted(path: string): boolean {
  try {
    return parseProcMounts(readText('/proc/self/mounts', { maxBytes: 4 << 20 })).some((row) => row.target === path);
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/** A directory of the host: `virtio-fs`, and `9p` where the VMM has no virtio-fs. The source is the device's tag. */
function sharedDirectoryDriver(name: string): StorageDriver {
  return {
    name,
    isReleasedByContainers: true,
    check: checkMount,
    create: async (storage: CheckedStorage, context) => {
      if (storage.source === SHARED_TAG && isMounted(storage.target.path)) {
        context.log.warn('the shared directory is mounted already', { 'mount-point': storage.target.path });
        return;
      }
      await mountStorage(storage, context);
    },
    release: unmountStorage,
  };
}

export const virtioFsDriver: StorageDriver = sharedDirectoryDriver('virtio-fs');

/** Upstream's agent has no such driver any more, but its Go runtime still asks for it. */
export const ninePDriver: StorageDriver = sharedDirectoryDriver('9p');
