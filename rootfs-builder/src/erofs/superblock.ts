/** The superblock of EROFS (fs/erofs/erofs_fs.h): 128 bytes at byte 1024, little endian. */
import { crc32c } from '../checksum/crc32c.ts';
import { BuildError } from '../build-error.ts';

export const BLOCK_BITS = 12;
export const BLOCK_BYTES = 1 << BLOCK_BITS;
export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_BYTES = 128;

const MAGIC = 0xe0f5_e1e2;
/** The superblock has a checksum; inodes without a time of their own have the superblock's. */
const COMPAT_CHECKSUM = 0x1;
const COMPAT_MTIME = 0x2;
/** Some files have a map of chunks (Linux 5.15). */
export const INCOMPAT_CHUNKED_FILE = 0x4;
/** LZ4 blocks end with the disk's block (Linux 5.4). */
export const INCOMPAT_ZERO_PADDING = 0x1;

/** What we use of it. */
export interface ErofsSuperblock {
  /** Number of the root's inode: its place from the start of the metadata, in units of 32 bytes. 16 bits. */
  readonly rootNid: number;
  readonly inodes: number;
  /** Seconds since 1970. */
  readonly buildTime: number;
  readonly blocks: number;
  /** First block of shared extended attributes. */
  readonly xattrBlock: number;
  readonly uuid: Uint8Array;
  readonly incompat: number;
}

/** The image's first block from byte 1024 on: the superblock and what follows it, with the checksum over both. */
export function encodeErofsSuperblock(superblock: ErofsSuperblock, restOfBlock: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(BLOCK_BYTES - SUPERBLOCK_OFFSET);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(COMPAT_CHECKSUM | COMPAT_MTIME, 8);
  bytes.writeUInt8(BLOCK_BITS, 12);
  bytes.writeUInt16LE(superblock.rootNid, 14);
  bytes.writeBigUInt64LE(BigInt(superblock.inodes), 16);
  bytes.writeBigUInt64LE(BigInt(superblock.buildTime), 24);
  bytes.writeUInt32LE(superblock.blocks, 36);
  bytes.writeUInt32LE(superblock.xattrBlock, 44);
  bytes.set(superblock.uuid, 48);
  bytes.writeUInt32LE(superblock.incompat, 80);
  bytes.set(restOfBlock, SUPERBLOCK_BYTES);
  bytes.writeUInt32LE(crc32c(bytes), 4);
  return bytes;
}

/** Reads the superblock from an image's first block. Throws BuildError when it is none of ours. */
export function decodeErofsSuperblock(image: Uint8Array): ErofsSuperblock {
  if (image.length < BLOCK_BYTES) throw new BuildError(`erofs: an image of ${image.length} bytes`);
  const bytes = Buffer.from(image.subarray(SUPERBLOCK_OFFSET, BLOCK_BYTES));
  if (bytes.readUInt32LE(0) !== MAGIC) throw new BuildError('erofs: no magic number');
  const checksum = bytes.readUInt32LE(4);
  bytes.writeUInt32LE(0, 4);
  if ((bytes.readUInt32LE(8) & COMPAT_CHECKSUM) !== 0 && crc32c(bytes) !== checksum)
    throw new BuildError('erofs: wrong checksum of the superblock');
  if (bytes.readUInt8(12) !== BLOCK_BITS) throw new BuildError(`erofs: blocks of 2^${bytes.readUInt8(12)} bytes`);
  const incompat = bytes.readUInt32LE(80);
  if ((incompat & ~(INCOMPAT_CHUNKED_FILE | INCOMPAT_ZERO_PADDING)) !== 0)
    throw new BuildError(`erofs: unknown features 0x${incompat.toString(16)}`);
  return {
    rootNid: bytes.readUInt16LE(14),
    inodes: Number(bytes.readBigUInt64LE(16)),
    buildTime: Number(bytes.readBigUInt64LE(24)),
    blocks: bytes.readUInt32LE(36),
    xattrBlock: bytes.readUInt32LE(44),
    uuid: new Uint8Array(bytes.subarray(48, 64)),
    incompat,
  };
}
