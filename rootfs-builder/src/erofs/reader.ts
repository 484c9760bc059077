import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { FILE_TYPES } from '../tree/file-types.ts';
import { HOLE_ADDRESS } from './chunks.ts';
import { readCompressed } from './compressed.ts';
import { decodeDirents } from './dirents.ts';
import { COMPACT_BYTES, decodeErofsInode, EXTENDED_BYTES, SLOT_BYTES } from './inode.ts';
import type { ErofsInode } from './inode.ts';
import { BLOCK_BYTES, decodeErofsSuperblock } from './superblock.ts';
import { decodeXattrs } from './xattrs.ts';

/** One name of an image. */
export interface ErofsRecord extends ErofsInode {
  /** "." for the root. */
  readonly path: string;
  readonly nid: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Of files, symlinks and directories. */
  readonly data: Uint8Array;
}

/** Names that one image may have, and bytes of one file: more is damage, or not for a reader that keeps all in memory. */
const MAX_RECORDS = 1_000_000;
const MAX_FILE_BYTES = 2 ** 30;

/** All names of an image that fits into memory, directories first. Throws BuildError when it is damaged. */
export function readErofs(image: Uint8Array): ErofsRecord[] {
  const superblock = decodeErofsSuperblock(image);
  const records: ErofsRecord[] = [];
  const open = new Set<number>();
  const visit = (path: string, nid: number): void => {
    if (records.length >= MAX_RECORDS) throw new BuildError(`erofs: more than ${MAX_RECORDS} names`);
    const record = readRecord(image, path, nid, superblock);
    records.push(record);
    if ((record.mode & 0o170000) !== FILE_TYPES.dir) return;
    if (open.has(nid)) throw new BuildError(`erofs: ${path}: a directory inside itself`);
    open.add(nid);
    for (const { name, nid: child } of decodeDirents(record.data)) {
      const text = decodeBytes(name);
      if (text === '.' || text === '..') continue;
      if (text === '' || text.includes('/')) throw new BuildError(`erofs: ${path}: a bad name`);
      visit(path === '.' ? text : `${path}/${text}`, child);
    }
    open.delete(nid);
  };
  visit('.', superblock.rootNid);
  return records;
}

function readRecord(
  image: Uint8Array,
  path: string,
  nid: number,
  { buildTime, xattrBlock }: { readonly buildTime: number; readonly xattrBlock: number },
): ErofsRecord {
  const offset = nid * SLOT_BYTES;
  const inode = decodeErofsInode(image, offset, buildTime);
  const afterInode = offset + (inode.isExtended ? EXTENDED_BYTES : COMPACT_BYTES);
  const xattrs = decodeXattrs(image, afterInode, inode.xattrBytes, xattrBlock * BLOCK_BYTES);
  const type = inode.mode & 0o170000;
  const hasData = type === FILE_TYPES.dir || type === FILE_TYPES.file || type === FILE_TYPES.symlink;
  const data = hasData ? readData(image, path, inode, afterInode + inode.xattrBytes) : new Uint8Array(0);
  return { ...inode, path, nid, xattrs, data };
}

function readData(image: Uint8Array, path: string, inode: ErofsInode, afterHeader: number): Uint8Array {
  const { sizeBytes, layout, u } = inode;
  const slice = (start: number, length: number): Uint8Array => {
    if (start + length > image.length) throw new BuildError(`erofs: ${path}: data beyond the image`);
    return image.subarray(start, start + length);
  };
  if (layout === 'compressed') {
    checkSize(path, sizeBytes);
    return readCompressed(image, path, sizeBytes, afterHeader);
  }
  if (layout === 'chunks') return readChunks(image, path, inode, afterHeader);
  if (sizeBytes > image.length) throw new BuildError(`erofs: ${path}: ${sizeBytes} bytes in a smaller image`);
  const tail = layout === 'inline' ? sizeBytes % BLOCK_BYTES : 0;
  const head = sizeBytes - tail;
  if (tail > 0 && (afterHeader % BLOCK_BYTES) + tail > BLOCK_BYTES)
    throw new BuildError(`erofs: ${path}: a tail across blocks`);
  return Buffer.concat([head > 0 ? slice(u * BLOCK_BYTES, head) : new Uint8Array(0), slice(afterHeader, tail)]);
}

function checkSize(path: string, sizeBytes: number): void {
  if (sizeBytes > MAX_FILE_BYTES) throw new BuildError(`erofs: ${path}: a file of ${sizeBytes} bytes`);
}

function readChunks(image: Uint8Array, path: string, { sizeBytes, u }: ErofsInode, mapAt: number): Uint8Array {
  checkSize(path, sizeBytes);
  if ((u & ~0x1f) !== 0) throw new BuildError(`erofs: ${path}: chunks of format ${u}`);
  const chunkBytes = BLOCK_BYTES * 2 ** u;
  const data = new Uint8Array(sizeBytes);
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  for (let start = 0, at = mapAt; start < sizeBytes; start += chunkBytes, at += 4) {
    if (at + 4 > bytes.length) throw new BuildError(`erofs: ${path}: a map beyond the image`);
    const block = bytes.readUInt32LE(at);
    if (block === HOLE_ADDRESS) continue;
    const length = Math.min(chunkBytes, sizeBytes - start);
    if (block * BLOCK_BYTES + length > image.length) throw new BuildError(`erofs: ${path}: data beyond the image`);
    data.set(image.subarray(block * BLOCK_BYTES, block * BLOCK_BYTES + length), start);
  }
  return data;
}
