import { isSysError } from '../../../base/sys-error.ts';
import { parseMountInfo } from '../../../codec/mountinfo.ts';
import { readFile } from '../../../sys/file.ts';
import { checkMount, mountStorage, unmountStorage } from '../mount-storage.ts';
import type { CheckedStorage, StorageDriver } from '../storage.ts';

/** Tag of the host's shared directory; the guest image may have mounted it before us. */
const SHARED_TAG = 'kataShared';

/** The table of a guest with many volumes and containers stays far below this. */
const MAX_TABLE_BYTES = 16 << 20;

/** Reads the kernel's table, which is memory only and cannot block. */
function isMounted(path: string): boolean {
  try {
    return parseMountInfo(readFile('/proc/self/mountinfo', { maxBytes: MAX_TABLE_BYTES })).some(
      (row) => row.mountPoint === path,
    );
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/**
 * A node that the host has there means another device in this guest, or none, so it opens nothing (VMB-07). Set-uid files keep
 * their meaning: root file systems of containers come this way.
 */
function withoutDevices(options: readonly string[]): readonly string[] {
  return options.includes('dev') ? options : [...options, 'nodev'];
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
      await mountStorage({ ...storage, options: withoutDevices(storage.options) }, context);
    },
    release: unmountStorage,
  };
}

export const virtioFsDriver: StorageDriver = sharedDirectoryDriver('virtio-fs');

/** Upstream's agent has no such driver any more, but its Go runtime still asks for it. */
export const ninePDriver: StorageDriver = sharedDirectoryDriver('9p');
