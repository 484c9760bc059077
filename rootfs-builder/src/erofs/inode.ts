/** On-disk inodes of EROFS (fs/erofs/erofs_fs.h): 32 bytes "compact" or 64 "extended", little endian. */
import { BuildError } from '../build-error.ts';

/** Where a file's data is. */
export const LAYOUTS = { plain: 0, compressed: 1, inline: 2, chunks: 4 } as const;
export type Layout = keyof typeof LAYOUTS;

export const COMPACT_BYTES = 32;
export const EXTENDED_BYTES = 64;
/** Inode numbers count these from the start of the metadata. */
export const SLOT_BYTES = 32;

/** One inode. */
export interface ErofsInode {
  readonly isExtended: boolean;
  readonly layout: Layout;
  /** Bytes of extended attributes after the inode: 0, or 12 plus a multiple of 4. */
  readonly xattrBytes: number;
  /** With the file type bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly sizeBytes: number;
  /** First block, device number, number of compressed blocks, or chunk format, by layout and mode. */
  readonly u: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
  /** Compact inodes have the superblock's. */
  readonly mtime: number;
}

/** Whether the numbers need the long form. */
export function needsExtended(inode: Omit<ErofsInode, 'isExtended'>, buildTime: number): boolean {
  const { uid, gid, nlink, sizeBytes, mtime } = inode;
  return uid > 0xffff || gid > 0xffff || nlink > 0xffff || sizeBytes > 0xffff_ffff || mtime !== buildTime;
}

export function encodeErofsInode(inode: ErofsInode): Uint8Array {
  const { isExtended, xattrBytes } = inode;
  const bytes = Buffer.alloc(isExtended ? EXTENDED_BYTES : COMPACT_BYTES);
  bytes.writeUInt16LE((isExtended ? 1 : 0) | (LAYOUTS[inode.layout] << 1), 0);
  bytes.writeUInt16LE(xattrBytes === 0 ? 0 : (xattrBytes - 12) / 4 + 1, 2);
  bytes.writeUInt16LE(inode.mode, 4);
  bytes.writeUInt32LE(inode.u, 16);
  bytes.writeUInt32LE(inode.ino, 20);
  if (isExtended) {
    bytes.writeBigUInt64LE(BigInt(inode.sizeBytes), 8);
    bytes.writeUInt32LE(inode.uid, 24);
    bytes.writeUInt32LE(inode.gid, 28);
    bytes.writeBigUInt64LE(BigInt(inode.mtime), 32);
    bytes.writeUInt32LE(inode.nlink, 44);
  } else {
    bytes.writeUInt16LE(inode.nlink, 6);
    bytes.writeUInt32LE(inode.sizeBytes, 8);
    bytes.writeUInt16LE(inode.uid, 24);
    bytes.writeUInt16LE(inode.gid, 26);
  }
  return bytes;
}

/** Reads an inode at `offset`. Throws BuildError when it is cut off or of a layout that we do not write. */
export function decodeErofsInode(image: Uint8Array, offset: number, buildTime: number): ErofsInode {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  if (offset < 0 || offset + COMPACT_BYTES > bytes.length)
    throw new BuildError(`erofs: inode at byte ${offset}: beyond the image`);
  const format = bytes.readUInt16LE(offset);
  const isExtended = (format & 1) === 1;
  if (isExtended && offset + EXTENDED_BYTES > bytes.length)
    throw new BuildError(`erofs: inode at byte ${offset}: beyond the image`);
  const layout = (Object.keys(LAYOUTS) as Layout[]).find((name) => LAYOUTS[name] === format >> 1);
  if (layout === undefined) throw new BuildError(`erofs: inode at byte ${offset}: unknown format ${format}`);
  const count = bytes.readUInt16LE(offset + 2);
  const common = {
    isExtended,
    layout,
    xattrBytes: count === 0 ? 0 : 12 + (count - 1) * 4,
    mode: bytes.readUInt16LE(offset + 4),
    u: bytes.readUInt32LE(offset + 16),
    ino: bytes.readUInt32LE(offset + 20),
  };
  if (!isExtended)
    return {
      ...common,
      nlink: bytes.readUInt16LE(offset + 6),
      sizeBytes: bytes.readUInt32LE(offset + 8),
      uid: bytes.readUInt16LE(offset + 24),
      gid: bytes.readUInt16LE(offset + 26),
      mtime: buildTime,
    };
  return {
    ...common,
    nlink: bytes.readUInt32LE(offset + 44),
    sizeBytes: Number(bytes.readBigUInt64LE(offset + 8)),
    uid: bytes.readUInt32LE(offset + 24),
    gid: bytes.readUInt32LE(offset + 28),
    mtime: Number(bytes.readBigUInt64LE(offset + 32)),
  };
}
