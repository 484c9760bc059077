import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { GuestRoot } from './guest-root.ts';
import { HostError } from './host-error.ts';

/** File systems that an image's root may have. */
type RootType = 'ext4' | 'xfs' | 'erofs';

/** What Kata's runtime mounts a root of that type with. */
const FLAGS: Readonly<Record<RootType, readonly string[]>> = {
  ext4: ['rootflags=data=ordered,errors=remount-ro', 'ro'],
  xfs: ['ro'],
  erofs: ['ro'],
};

const SECTOR_BYTES = 512;

function readAt(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
}

/** The file system that begins at `offset`, by its magic number; undefined when it is none of ours. */
function fileSystemAt(fd: number, offset: number): RootType | undefined {
  const head = readAt(fd, offset, 2048);
  if (head.length < 2048) return undefined;
  // ext4: s_magic of the superblock at 1024 (kernel, filesystems/ext4/super.rst). erofs: its first field. xfs: first bytes.
  if (head.readUInt16LE(1024 + 56) === 0xef53) return 'ext4';
  if (head.readUInt32LE(1024) === 0xe0f5e1e2) return 'erofs';
  return head.toString('latin1', 0, 4) === 'XFSB' ? 'xfs' : undefined;
}

/** Where the first partition begins, in bytes; undefined without a partition table. */
function firstPartition(fd: number): number | undefined {
  const mbr = readAt(fd, 0, SECTOR_BYTES);
  if (mbr.length < SECTOR_BYTES || mbr.readUInt16LE(510) !== 0xaa55) return undefined;
  const start = mbr.readUInt32LE(446 + 8);
  return start === 0 ? undefined : start * SECTOR_BYTES;
}

/**
 * The root that an image file is: a disk with Kata's layout, or a bare file system. Throws HostError when the file is neither.
 */
export function imageRoot(path: string, attachment: 'virtio-blk' | 'nvdimm' = 'virtio-blk'): GuestRoot {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new HostError(`no image at ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    const bare = fileSystemAt(fd, 0);
    const partition = bare === undefined ? firstPartition(fd) : undefined;
    const type = bare ?? (partition === undefined ? undefined : fileSystemAt(fd, partition));
    if (type === undefined)
      throw new HostError(
        `${path} is no image of a root file system (ext4, xfs or erofs, alone or on the first partition)`,
      );
    const device = bare === undefined ? '/dev/vda1' : '/dev/vda';
    return {
      kind: 'disk',
      path,
      attachment,
      sizeBytes: statSync(path).size,
      parameters: [`root=${device}`, ...FLAGS[type], `rootfstype=${type}`],
    };
  } finally {
    closeSync(fd);
  }
}
