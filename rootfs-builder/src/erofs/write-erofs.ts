import { encodeBytes } from '../../../agent/src/base/text.ts';
import { readContent, readSlice } from '../tree/content.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { inBlocks } from '../tree/survey.ts';
import { encodeChunkMap, withoutHoles } from './chunks.ts';
import { encodeIndexes } from './compressed.ts';
import { DIRENT_TYPES, encodeDirents } from './dirents.ts';
import { encodeErofsInode, SLOT_BYTES } from './inode.ts';
import { planErofs } from './plan.ts';
import type { ErofsPlan, PlannedInode, PlanOptions } from './plan.ts';
import {
  BLOCK_BYTES,
  encodeErofsSuperblock,
  INCOMPAT_CHUNKED_FILE,
  INCOMPAT_ZERO_PADDING,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_OFFSET,
} from './superblock.ts';

/** What an image depends on beside the tree. */
export interface ErofsOptions extends PlanOptions {
  readonly uuid: Uint8Array;
}

/**
 * Writes a tree as an EROFS image with blocks of 4 KiB, in pieces. We write it ourselves because mkfs.erofs
 * takes owners, devices and attributes from a real directory, which takes root, and because the bytes then depend on no
 * program's version. Linux 5.4 mounts it, with
 * CONFIG_EROFS_FS_ZIP when files are compressed, 5.15 when a file has holes.
 */
export async function* writeErofs(tree: FileTree, options: ErofsOptions): AsyncGenerator<Uint8Array> {
  const plan = planErofs(tree, options);
  yield await encodeMetadata(plan, options);
  yield* padded(once(plan.sharedXattrs));
  for (const planned of plan.inodes) {
    if (planned.blocks === 0) continue;
    yield* padded(dataOf(planned, plan));
  }
}

async function encodeMetadata(plan: ErofsPlan, options: ErofsOptions): Promise<Uint8Array> {
  const metadata = new Uint8Array(plan.metadataBytes);
  for (const planned of plan.inodes) {
    let at = planned.offset;
    const put = (bytes: Uint8Array): void => {
      metadata.set(bytes, at);
      at += bytes.length;
    };
    put(encodeErofsInode(planned.disk));
    put(planned.xattrs);
    if (planned.compressed !== undefined) {
      const { extents } = planned.compressed;
      put(encodeIndexes(extents, planned.disk.sizeBytes, planned.firstBlock, at - planned.offset));
    }
    if (planned.chunks !== undefined) put(encodeChunkMap(planned.chunks, planned.firstBlock));
    if (planned.tailBytes > 0) put(await tailOf(planned, plan));
  }
  const [root] = plan.inodes;
  const superblock = encodeErofsSuperblock(
    {
      rootNid: (root?.offset ?? 0) / SLOT_BYTES,
      inodes: plan.inodes.length,
      buildTime: options.mtime,
      blocks: plan.totalBlocks,
      xattrBlock: plan.metadataBytes / BLOCK_BYTES,
      uuid: options.uuid,
      incompat:
        (plan.inodes.some(({ chunks }) => chunks !== undefined) ? INCOMPAT_CHUNKED_FILE : 0) |
        (plan.inodes.some(({ compressed }) => compressed !== undefined) ? INCOMPAT_ZERO_PADDING : 0),
    },
    metadata.subarray(SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES, BLOCK_BYTES),
  );
  metadata.set(superblock, SUPERBLOCK_OFFSET);
  return metadata;
}

async function tailOf(planned: PlannedInode, plan: ErofsPlan): Promise<Uint8Array> {
  const { entry } = planned.source;
  const start = planned.disk.sizeBytes - planned.tailBytes;
  if (entry.kind === 'file') return await readSlice(entry.content, start, planned.tailBytes);
  return smallData(planned, plan).subarray(start);
}

/** The bytes that go into data blocks. */
function dataOf(planned: PlannedInode, plan: ErofsPlan): AsyncIterable<Uint8Array> {
  const { entry } = planned.source;
  const length = planned.disk.sizeBytes - planned.tailBytes;
  if (planned.compressed !== undefined) return readContent(planned.compressed.blocks);
  if (entry.kind !== 'file') return once(smallData(planned, plan).subarray(0, length));
  const whole = readContent(entry.content);
  return planned.chunks === undefined ? upTo(whole, length) : withoutHoles(inBlocks(whole), planned.chunks);
}

/** Data that is made here: of directories and symlinks. */
function smallData({ source, children }: PlannedInode, plan: ErofsPlan): Uint8Array {
  const { entry } = source;
  if (entry.kind === 'symlink') return encodeBytes(entry.target);
  return encodeDirents(
    children.map(({ name, inode }) => ({
      name,
      // Inodes are numbered from 1 in the order of the plan.
      nid: (plan.inodes[inode.ino - 1]?.offset ?? 0) / SLOT_BYTES,
      type: DIRENT_TYPES[inode.entry.kind],
    })),
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield await Promise.resolve(bytes);
}

/** The first `length` bytes; the rest is read all the same, because its end proves that the file did not change. */
async function* upTo(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const piece of source) {
    if (left > 0) yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
  }
}

/** A stream, then zeros up to a whole block. */
async function* padded(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const piece of source) {
    length += piece.length;
    yield piece;
  }
  const rest = -length & (BLOCK_BYTES - 1);
  if (rest > 0) yield new Uint8Array(rest);
}
