/**
 * Times, generations and sticky bits of XFS inodes (fs/xfs/libxfs/xfs_format.h, struct xfs_dinode, version 3, big endian). mkfs.xfs
 * writes the clock and (newer ones) random numbers into them, so that two images would never be the same.
 */
import { crc32c } from '../checksum/crc32c.ts';

/** Size of an inode with mkfs.xfs' default. */
export const INODE_BYTES = 512;
const MAGIC = 0x494e;
const MODE_OFFSET = 2;
const TIME_OFFSETS = [32, 40, 48, 144]; // access, modification, change, creation
/** Tells users of an inode apart over time, for NFS; any will do in a new file system. */
const GENERATION_OFFSET = 92;
const CRC_OFFSET = 100;
const FLAGS2_OFFSET = 120;
const NUMBER_OFFSET = 152;
const UUID_OFFSET = 160;
/** Times are 64 bits of nanoseconds from 1901 on. */
const FLAG2_BIGTIME = 1n << 3n;
const BIGTIME_EPOCH = 2n ** 31n;

/** What an inode shall have. */
export interface InodeFacts {
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly sticky: boolean;
}

/** The number of the inode in these 512 bytes, or undefined when they are none of the file system with this UUID. */
export function inodeNumber(bytes: Uint8Array, uuid: Uint8Array): bigint | undefined {
  const inode = Buffer.from(bytes.buffer, bytes.byteOffset, INODE_BYTES);
  if (inode.readUInt16BE(0) !== MAGIC || inode.readUInt8(4) !== 3) return undefined;
  if (Buffer.compare(inode.subarray(UUID_OFFSET, UUID_OFFSET + 16), uuid) !== 0) return undefined;
  return inode.readUInt32LE(CRC_OFFSET) === checksum(inode) ? inode.readBigUInt64BE(NUMBER_OFFSET) : undefined;
}

/** Sets times, generation and the sticky bit in place, and the checksum. */
export function patchInode(bytes: Uint8Array, { mtime, sticky }: InodeFacts): void {
  const inode = Buffer.from(bytes.buffer, bytes.byteOffset, INODE_BYTES);
  const isBigtime = (inode.readBigUInt64BE(FLAGS2_OFFSET) & FLAG2_BIGTIME) !== 0n;
  for (const offset of TIME_OFFSETS) {
    if (isBigtime) inode.writeBigUInt64BE((BigInt(mtime) + BIGTIME_EPOCH) * 1_000_000_000n, offset);
    else {
      inode.writeUInt32BE(mtime >>> 0, offset);
      inode.writeUInt32BE(0, offset + 4);
    }
  }
  inode.writeUInt32BE(1, GENERATION_OFFSET);
  // Free inodes of a chunk have no mode.
  if (sticky) inode.writeUInt16BE(inode.readUInt16BE(MODE_OFFSET) | 0o1000, MODE_OFFSET);
  inode.writeUInt32LE(checksum(inode), CRC_OFFSET);
}

function checksum(inode: Buffer): number {
  const copy = Buffer.from(inode);
  copy.writeUInt32LE(0, CRC_OFFSET);
  return ~crc32c(copy) >>> 0;
}
