/**
 * Directory data of EROFS: blocks of fixed-size entries followed by the names, sorted by bytes within and across blocks,
 * because the kernel searches both by halves.
 */
import { BuildError } from '../build-error.ts';
import { BLOCK_BYTES } from './superblock.ts';

const DIRENT_BYTES = 12;

/** The kernel's FT_ numbers (include/linux/fs_types.h). */
export const DIRENT_TYPES = { file: 1, dir: 2, char: 3, block: 4, fifo: 5, socket: 6, symlink: 7 } as const;

/** One name of a directory. */
export interface Dirent {
  readonly name: Uint8Array;
  readonly nid: number;
  readonly type: number;
}

/** Sorted names by the block they go into. */
export function groupNames<T extends { readonly name: Uint8Array }>(entries: readonly T[]): T[][] {
  const sorted = [...entries].sort((left, right) => Buffer.compare(left.name, right.name));
  const blocks: T[][] = [];
  let used = BLOCK_BYTES;
  for (const entry of sorted) {
    const bytes = DIRENT_BYTES + entry.name.length;
    if (used + bytes > BLOCK_BYTES) {
      blocks.push([]);
      used = 0;
    }
    used += bytes;
    blocks.at(-1)?.push(entry);
  }
  return blocks;
}

/** Bytes of a directory with these names. */
export function direntBytes(entries: readonly { readonly name: Uint8Array }[]): number {
  const blocks = groupNames(entries);
  const last = (blocks.at(-1) ?? []).reduce((sum, { name }) => sum + DIRENT_BYTES + name.length, 0);
  return Math.max(0, blocks.length - 1) * BLOCK_BYTES + last;
}

export function encodeDirents(entries: readonly Dirent[]): Uint8Array {
  const data = Buffer.alloc(direntBytes(entries));
  for (const [index, block] of groupNames(entries).entries()) {
    const start = index * BLOCK_BYTES;
    let nameOffset = block.length * DIRENT_BYTES;
    for (const [position, { name, nid, type }] of block.entries()) {
      const at = start + position * DIRENT_BYTES;
      data.writeBigUInt64LE(BigInt(nid), at);
      data.writeUInt16LE(nameOffset, at + 8);
      data.writeUInt8(type, at + 10);
      data.set(name, start + nameOffset);
      nameOffset += name.length;
    }
  }
  return data;
}

/** Reads the data of a directory. Throws BuildError when a name lies outside its block. */
export function decodeDirents(data: Uint8Array): Dirent[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const entries: Dirent[] = [];
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    if (block.length < DIRENT_BYTES) throw new BuildError('erofs: a directory ends inside an entry');
    const tableBytes = block.readUInt16LE(8);
    if (tableBytes === 0 || tableBytes % DIRENT_BYTES !== 0 || tableBytes > block.length)
      throw new BuildError(`erofs: a directory with names at byte ${tableBytes}`);
    for (let at = 0; at < tableBytes; at += DIRENT_BYTES) {
      const from = block.readUInt16LE(at + 8);
      const isLast = at + DIRENT_BYTES === tableBytes;
      const to = isLast ? block.length : block.readUInt16LE(at + DIRENT_BYTES + 8);
      if (from < tableBytes || to <= from || to > block.length)
        throw new BuildError('erofs: a directory with a name outside its block');
      const field = block.subarray(from, to);
      const end = isLast ? field.indexOf(0) : -1;
      entries.push({
        name: new Uint8Array(end === -1 ? field : field.subarray(0, end)),
        nid: Number(block.readBigUInt64LE(at)),
        type: block.readUInt8(at + 10),
      });
    }
  }
  return entries;
}
