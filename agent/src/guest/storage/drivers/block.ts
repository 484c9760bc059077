import { isBlockDevice, stat } from '../../../sys/file.ts';
import { checkMount, mountStorage, unmountStorage } from '../mount-storage.ts';
import { storageFailure } from '../storage-error.ts';
import type { CheckedStorage, Storage, StorageContext, StorageDriver } from '../storage.ts';

const CREATE_FILESYSTEM = 'create_filesystem';
const ENCRYPTION_KEY = 'encryption_key=ephemeral';

/** ext4 without journal, with small inodes: the volume is made anew for each sandbox (contract storage 4.1). */
const MKFS_EXT4 = ['mkfs.ext4', '-F', '-O', '^has_journal', '-m', '0', '-i', '163840', '-I', '128'];

function checkBlock(storage: Storage): void {
  checkMount(storage);
  const creates = storage.driverOptions.includes(CREATE_FILESYSTEM);
  if (storage.driverOptions.includes(ENCRYPTION_KEY)) {
    if (!creates) throw storageFailure(`${ENCRYPTION_KEY} needs ${CREATE_FILESYSTEM} too`);
    // A plain directory must never stand in for an encrypted volume.
    throw storageFailure(`${ENCRYPTION_KEY}: this guest has no service that can encrypt a volume`);
  }
  if (creates && storage.fstype !== 'ext4') throw storageFailure(`${CREATE_FILESYSTEM} needs the type ext4`);
}

/** Node of the device: a path in `/dev` as it is, anything else is a PCI path that is waited for. */
async function findNode(storage: CheckedStorage, context: StorageContext): Promise<string> {
  const { source } = storage;
  if (!source.startsWith('/dev')) return (await context.waitForBlockDevice(source, context.signal)).node;
  if (!isBlockDevice(stat(source))) throw storageFailure(`Invalid device ${source}`);
  return source;
}

/** A virtio block device by PCI path (`02/03`) or by node (`/dev/vda`). */
export const blockDriver: StorageDriver = {
  name: 'blk',
  isReleasedByContainers: true,
  check: checkBlock,
  create: async (storage, context) => {
    const node = await findNode(storage, context);
    if (storage.driverOptions.includes(CREATE_FILESYSTEM)) {
      await context.runProgram([...MKFS_EXT4, node], context.signal);
    }
    await mountStorage({ ...storage, source: node }, context);
  },
  release: unmountStorage,
};
