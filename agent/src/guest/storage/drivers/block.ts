import { isBlockDevice, stat } from '../../../sys/file.ts';
import { parseScsiAddress } from '../../device/scsi-disk.ts';
import type { BlockDevice } from '../../device/virtio-block.ts';
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

/** Sources that are a node, which the host could predict. */
function checkNode(storage: Storage): void {
  checkMount(storage);
  if (!storage.source.startsWith('/dev/')) throw storageFailure(`${storage.source} does not start with /dev/`);
}

/** A path in `/dev` as it is, anything else is a PCI path that is waited for. */
async function findVirtioNode(storage: CheckedStorage, context: StorageContext): Promise<Pick<BlockDevice, 'node'>> {
  const { source } = storage;
  if (!source.startsWith('/dev')) return context.waitForBlockDevice(source, context.signal);
  if (!isBlockDevice(stat(source))) throw storageFailure(`Invalid device ${source}`);
  return { node: source };
}

const findByNode: typeof findVirtioNode = ({ source }, context) => context.waitForBlockNode(source, context.signal);

function blockDeviceDriver(
  name: string,
  check: (storage: Storage) => void,
  find: typeof findVirtioNode,
  makesFilesystems: boolean,
): StorageDriver {
  return {
    name,
    isReleasedByContainers: true,
    check,
    create: async (storage, context) => {
      const { node } = await find(storage, context);
      if (makesFilesystems && storage.driverOptions.includes(CREATE_FILESYSTEM)) {
        await context.runProgram([...MKFS_EXT4, node], context.signal);
      }
      await mountStorage({ ...storage, source: node }, context);
    },
    release: unmountStorage,
  };
}

/** A virtio block device by PCI path (`02/03`) or by node (`/dev/vda`). */
export const blockDriver: StorageDriver = blockDeviceDriver('blk', checkBlock, findVirtioNode, true);

/** A virtio block device without PCI, by its node. */
export const mmioBlockDriver: StorageDriver = blockDeviceDriver(
  'mmioblk',
  (storage) => {
    checkNode(storage);
    checkBlock(storage);
  },
  findByNode,
  true,
);

/** A disk of the virtio-scsi adapter, by `<id>:<lun>`. */
export const scsiDriver: StorageDriver = blockDeviceDriver(
  'scsi',
  (storage) => {
    checkBlock(storage);
    parseScsiAddress(storage.source);
  },
  ({ source }, context) => context.waitForScsiDisk(source, context.signal),
  true,
);

/** Persistent memory of the host, by its node; its driver options mean nothing (contract storage 4.2). */
export const nvdimmDriver: StorageDriver = blockDeviceDriver('nvdimm', checkNode, findByNode, false);
