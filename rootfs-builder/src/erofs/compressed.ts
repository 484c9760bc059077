/**
 * Compressed files of EROFS, with full indexes (fs/erofs/erofs_fs.h, Z_EROFS): data is in blocks of 4 KiB, each an LZ4 block
 * that ends with the disk's block (the zeros are in front), or 4 KiB as they are. An index for each 4 KiB of the file tells
 * where data begins in it, or how far the beginning of what covers it is. Linux 5.4 reads it.
 */
import type { PackWriter } from '../cache/pack-writer.ts';
import { BuildError } from '../build-error.ts';
import { compressBlock, Lz4Tables } from '../lz4/compress-block.ts';
import { decompressBlock } from '../lz4/decompress-block.ts';
import { readContent } from '../tree/content.ts';
import type { Content } from '../tree/entry.ts';
import { contentSize } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { DataBlocks } from '../tree/survey.ts';
import { BLOCK_BYTES } from './superblock.ts';

/** What one block holds at most, so that reading a byte of it never takes long. */
const MAX_EXTENT_BYTES = 256 * 1024;
const BUFFER_BYTES = 4 * MAX_EXTENT_BYTES;
/** A file that saved less than one block in fifty by this many is not worth going on with. */
const TRIAL_BLOCKS = 256;
/** The map begins at a multiple of this, and each index has as many bytes. */
const INDEX_BYTES = 8;
/** Two headers of that size: nothing in them stands for LZ4 and 4 KiB. */
const HEADER_BYTES = 2 * INDEX_BYTES;

const TYPES = { plain: 0, head: 1, rest: 2 } as const;

/** What one block of the disk holds: from here to the start of the next. */
export interface Extent {
  /** Byte of the file. */
  readonly start: number;
  /** As it is, not compressed. */
  readonly isPlain: boolean;
}

/** A compressed file: extents and their blocks, one after the other. */
export interface CompressedFile {
  readonly extents: readonly Extent[];
  readonly blocks: Content;
}

/** Compresses the files of a tree that become smaller, into `pack`; by path of the first name. Files with many holes keep them instead. */
export async function compressFiles(
  tree: FileTree,
  sparse: ReadonlyMap<string, DataBlocks>,
  pack: PackWriter,
  options: { readonly signal?: AbortSignal; readonly progress?: (fraction: number) => void } = {},
): Promise<Map<string, CompressedFile>> {
  const { signal, progress } = options;
  const compressed = new Map<string, CompressedFile>();
  const files = namedInodes(tree).flatMap(({ path, inode: { entry } }) =>
    entry.kind === 'file' && entry.path === path ? [entry] : [],
  );
  const total = files.reduce((sum, { content }) => sum + contentSize(content), 0);
  let done = 0;
  for (const { path, content } of files) {
    signal?.throwIfAborted();
    const size = contentSize(content);
    const raw = Math.ceil(size / BLOCK_BYTES);
    const data = sparse.get(path)?.reduce((sum, [, count]) => sum + count, 0) ?? raw;
    if (raw > 1 && data > raw / 2) {
      const block = pack.begin(BLOCK_BYTES);
      const extents = await compressContent(content, block.write, signal);
      const blocks = block.finish();
      if (extents !== undefined && extents.length < raw) compressed.set(path, { extents, blocks });
    }
    done += size;
    progress?.(total === 0 ? 1 : done / total);
  }
  pack.flush();
  return compressed;
}

/** Writes the blocks of a content, and gives its extents; undefined when it is given up because nothing is saved. */
export async function compressContent(
  content: Content,
  write: (block: Uint8Array) => void,
  signal?: AbortSignal,
): Promise<Extent[] | undefined> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  const tables = new Lz4Tables();
  const extents: Extent[] = [];
  let at = 0;
  let filled = 0;
  let position = 0;
  const drain = (least: number): void => {
    while (filled - at >= least) {
      const consumed = putBlock(buffer, at, Math.min(filled, at + MAX_EXTENT_BYTES), write, tables);
      extents.push({ start: position, isPlain: consumed.isPlain });
      at += consumed.length;
      position += consumed.length;
    }
  };
  for await (const piece of readContent(content)) {
    signal?.throwIfAborted();
    for (let taken = 0; taken < piece.length;) {
      if (filled === BUFFER_BYTES) {
        buffer.copyWithin(0, at, filled);
        filled -= at;
        at = 0;
        tables.reset();
      }
      const part = piece.subarray(taken, taken + BUFFER_BYTES - filled);
      buffer.set(part, filled);
      filled += part.length;
      taken += part.length;
      drain(MAX_EXTENT_BYTES);
      if (extents.length >= TRIAL_BLOCKS && position < extents.length * BLOCK_BYTES * 1.02) return undefined;
    }
  }
  drain(1);
  return extents;
}

function putBlock(
  buffer: Uint8Array,
  start: number,
  end: number,
  write: (block: Uint8Array) => void,
  tables: Lz4Tables,
): { length: number; isPlain: boolean } {
  const block = new Uint8Array(BLOCK_BYTES);
  if (end - start > BLOCK_BYTES) {
    const { consumed, length } = compressBlock(buffer, start, end, block, tables);
    if (consumed > BLOCK_BYTES) {
      block.copyWithin(BLOCK_BYTES - length, 0, length);
      block.fill(0, 0, BLOCK_BYTES - length);
      write(block);
      return { length: consumed, isPlain: false };
    }
  }
  const plain = buffer.subarray(start, Math.min(end, start + BLOCK_BYTES));
  block.fill(0).set(plain);
  write(block);
  return { length: plain.length, isPlain: true };
}

/** Bytes of padding, headers and indexes after an inode of `headerBytes`. */
export function indexBytes(headerBytes: number, sizeBytes: number): number {
  return (-headerBytes & (INDEX_BYTES - 1)) + HEADER_BYTES + Math.ceil(sizeBytes / BLOCK_BYTES) * INDEX_BYTES;
}

/** The map of a file whose blocks begin at `firstBlock`, padding in front. */
export function encodeIndexes(
  extents: readonly Extent[],
  sizeBytes: number,
  firstBlock: number,
  headerBytes: number,
): Uint8Array {
  const map = Buffer.alloc(indexBytes(headerBytes, sizeBytes));
  const begin = map.length - Math.ceil(sizeBytes / BLOCK_BYTES) * INDEX_BYTES;
  for (const [index, { start, isPlain }] of extents.entries()) {
    const head = Math.floor(start / BLOCK_BYTES);
    // Every extent but the last is longer than a block of the file, so no two begin in the same.
    const end = extents[index + 1]?.start ?? sizeBytes;
    const next = Math.floor(end / BLOCK_BYTES);
    const at = begin + head * INDEX_BYTES;
    map.writeUInt16LE(isPlain ? TYPES.plain : TYPES.head, at);
    map.writeUInt16LE(start % BLOCK_BYTES, at + 2);
    map.writeUInt32LE(firstBlock + index, at + 4);
    for (let block = head + 1; block < next; block++) {
      map.writeUInt16LE(TYPES.rest, begin + block * INDEX_BYTES);
      map.writeUInt16LE(block - head, begin + block * INDEX_BYTES + 4);
      map.writeUInt16LE(next - block, begin + block * INDEX_BYTES + 6);
    }
    // Where the file ends inside what began before: without this head of nothing the kernel takes the whole 4 KiB for data.
    if (end === sizeBytes && next > head && end % BLOCK_BYTES > 0)
      map.writeUInt16LE(end % BLOCK_BYTES, begin + next * INDEX_BYTES + 2);
  }
  return map;
}

/** Reads a compressed file whose inode and attributes end at `afterHeader`. Throws BuildError when it is damaged. */
export function readCompressed(image: Uint8Array, path: string, sizeBytes: number, afterHeader: number): Uint8Array {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const begin = Math.ceil(afterHeader / INDEX_BYTES) * INDEX_BYTES + HEADER_BYTES;
  const count = Math.ceil(sizeBytes / BLOCK_BYTES);
  const wrong = (what: string): BuildError => new BuildError(`erofs: ${path}: ${what}`);
  if (begin + count * INDEX_BYTES > bytes.length) throw wrong('indexes beyond the image');
  const extents: (Extent & { readonly block: number })[] = [];
  for (let index = 0; index < count; index++) {
    const at = begin + index * INDEX_BYTES;
    const type = bytes.readUInt16LE(at);
    if (type === TYPES.rest) {
      const distance = bytes.readUInt16LE(at + 4);
      if (Math.floor((extents.at(-1)?.start ?? -1) / BLOCK_BYTES) !== index - distance) throw wrong('a wrong distance');
      continue;
    }
    const offset = bytes.readUInt16LE(at + 2);
    if ((type !== TYPES.plain && type !== TYPES.head) || offset >= BLOCK_BYTES) throw wrong(`an index of type ${type}`);
    extents.push({
      start: index * BLOCK_BYTES + offset,
      isPlain: type === TYPES.plain,
      block: bytes.readUInt32LE(at + 4),
    });
  }
  if (count > 0 && extents[0]?.start !== 0) throw wrong('its first bytes are nowhere');
  const parts = extents.map(({ start, isPlain, block }, index) => {
    const length = (extents[index + 1]?.start ?? sizeBytes) - start;
    const data = image.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
    if (data.length < BLOCK_BYTES || length < 0 || (isPlain && length > BLOCK_BYTES))
      throw wrong('data beyond the image');
    if (isPlain) return data.subarray(0, length);
    const first = data.findIndex((byte) => byte !== 0);
    return decompressBlock(first === -1 ? new Uint8Array(0) : data.subarray(first), length);
  });
  return Buffer.concat(parts);
}
