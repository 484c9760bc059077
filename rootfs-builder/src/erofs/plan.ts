import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { contentSize } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { encodeDevice, FILE_TYPES } from '../tree/file-types.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { Inode } from '../tree/inodes.ts';
import type { DataBlocks } from '../tree/survey.ts';
import { parentOf } from '../tree/tree-path.ts';
import { chunkRuns, planChunks } from './chunks.ts';
import type { ChunkPlan } from './chunks.ts';
import { indexBytes } from './compressed.ts';
import type { CompressedFile } from './compressed.ts';
import { direntBytes } from './dirents.ts';
import { COMPACT_BYTES, EXTENDED_BYTES, needsExtended, SLOT_BYTES } from './inode.ts';
import type { ErofsInode } from './inode.ts';
import { BLOCK_BYTES, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET } from './superblock.ts';
import { XattrTable } from './xattrs.ts';

/** A name in a directory, and what it names. */
export interface Child {
  readonly name: Uint8Array;
  readonly inode: Inode;
}

/** An inode with its place. */
export interface PlannedInode {
  readonly source: Inode;
  readonly disk: ErofsInode;
  /** Byte of the image where the inode begins. */
  readonly offset: number;
  readonly xattrs: Uint8Array;
  /** Bytes of the data's end that stand right after inode and attributes. */
  readonly tailBytes: number;
  /** Of a directory, "." and ".." included. */
  readonly children: readonly Child[];
  readonly chunks?: ChunkPlan;
  readonly compressed?: CompressedFile;
  /** First data block and their number. */
  readonly firstBlock: number;
  readonly blocks: number;
}

/** Where everything goes. */
export interface ErofsPlan {
  readonly inodes: readonly PlannedInode[];
  /** End of the inodes, a multiple of the block size. */
  readonly metadataBytes: number;
  readonly sharedXattrs: Uint8Array;
  readonly totalBlocks: number;
}

/** What the plan depends on beside the tree. */
export interface PlanOptions {
  readonly mtime: number;
  /** Keeps the ends of files out of the metadata, so that every page of a file is a block (DAX, mmap). */
  readonly isTailFree: boolean;
  readonly sparse: ReadonlyMap<string, DataBlocks>;
  /** Files that are stored compressed, by path of the first name. */
  readonly compressed?: ReadonlyMap<string, CompressedFile>;
}

/** An inode before its place is known. */
type Draft = Omit<PlannedInode, 'offset' | 'firstBlock' | 'disk'> & {
  readonly isInline: boolean;
  readonly disk: Omit<ErofsInode, 'isExtended'>;
  /** Of inode and attributes. */
  readonly headerBytes: number;
  /** Of what tells where the data is, after them. */
  readonly mapBytes: number;
};

/** Lays out a tree: superblock, inodes in archive order, shared attributes, data blocks in the same order. */
export function planErofs(tree: FileTree, options: PlanOptions): ErofsPlan {
  const named = namedInodes(tree);
  const inodes = [...new Set(named.map(({ inode }) => inode))];
  const children = childrenOf(named);
  const table = new XattrTable();
  for (const { entry } of inodes) if (entry.xattrs !== undefined) table.count(entry.path, entry.xattrs);

  let offset = SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES;
  const placed = inodes.map((inode) => {
    const draft = draftOf(inode, children.get(inode) ?? [], table, options);
    const fitted = draft.tailBytes > BLOCK_BYTES - draft.headerBytes ? withoutTail(draft) : draft;
    const at = placeOf(offset, fitted);
    offset = at + fitted.headerBytes + fitted.tailBytes + fitted.mapBytes;
    return { draft: fitted, at };
  });
  const metadataBytes = Math.ceil(offset / BLOCK_BYTES) * BLOCK_BYTES;
  const sharedXattrs = table.shared;
  let block = (metadataBytes + Math.ceil(sharedXattrs.length / BLOCK_BYTES) * BLOCK_BYTES) / BLOCK_BYTES;
  const planned = placed.map(({ draft, at }) => {
    const firstBlock = block;
    block += draft.blocks;
    return finish(draft, at, firstBlock, options);
  });
  if (block > 0xffff_ffff) throw new BuildError(`erofs: an image of ${block} blocks; 2^32 are possible`);
  return { inodes: planned, metadataBytes, sharedXattrs, totalBlocks: block };
}

function childrenOf(named: readonly { path: string; inode: Inode }[]): Map<Inode, Child[]> {
  const directories = new Map(named.map(({ path, inode }) => [path, inode]));
  const children = new Map<Inode, Child[]>();
  for (const { path, inode } of named) {
    if (inode.entry.kind === 'dir') {
      const parent = path === '.' ? inode : (directories.get(parentOf(path)) ?? inode);
      const own = children.get(inode) ?? [];
      own.push({ name: encodeBytes('.'), inode }, { name: encodeBytes('..'), inode: parent });
      children.set(inode, own);
    }
    if (path === '.') continue;
    const parent = directories.get(parentOf(path));
    if (parent === undefined) throw new BuildError(`erofs: ${path}: its directory is missing`);
    const siblings = children.get(parent) ?? [];
    siblings.push({ name: encodeBytes(path.slice(path.lastIndexOf('/') + 1)), inode });
    children.set(parent, siblings);
  }
  return children;
}

function draftOf(inode: Inode, children: readonly Child[], table: XattrTable, options: PlanOptions): Draft {
  const { entry, names, ino } = inode;
  const xattrs = table.areaOf(entry.path, entry.xattrs);
  const sizeBytes = dataBytes(inode, children);
  const sparse = entry.kind === 'file' ? options.sparse.get(entry.path) : undefined;
  const compressed = entry.kind === 'file' ? options.compressed?.get(entry.path) : undefined;
  const chunks = sparse === undefined || compressed !== undefined ? undefined : planChunks(sizeBytes, sparse);
  const isMapped = chunks !== undefined || compressed !== undefined;
  const isInline = !isMapped && sizeBytes % BLOCK_BYTES > 0 && !(entry.kind === 'file' && options.isTailFree);
  const disk = {
    layout: compressed !== undefined ? 'compressed' : chunks !== undefined ? 'chunks' : isInline ? 'inline' : 'plain',
    xattrBytes: xattrs.length,
    mode: FILE_TYPES[entry.kind] | entry.mode,
    nlink: entry.kind === 'dir' ? 2 + children.filter((child) => isSubdirectory(child, inode)).length : names.length,
    sizeBytes,
    u: 0,
    ino,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime ?? options.mtime,
  } as const;
  const inodeBytes = needsExtended(disk, options.mtime) ? EXTENDED_BYTES : COMPACT_BYTES;
  const tailBytes = isInline ? sizeBytes % BLOCK_BYTES : 0;
  const headerBytes = inodeBytes + xattrs.length;
  const blocks =
    compressed?.extents.length ??
    (chunks === undefined ? Math.ceil((sizeBytes - tailBytes) / BLOCK_BYTES) : chunkRuns(chunks, sizeBytes).blocks);
  return {
    source: inode,
    disk,
    headerBytes,
    mapBytes: compressed === undefined ? (chunks?.mapBytes ?? 0) : indexBytes(headerBytes, sizeBytes),
    xattrs,
    tailBytes,
    isInline,
    children,
    blocks,
    ...(chunks === undefined ? {} : { chunks }),
    ...(compressed === undefined ? {} : { compressed }),
  };
}

function isSubdirectory({ name, inode }: Child, self: Inode): boolean {
  const isDots = name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
  return inode.entry.kind === 'dir' && inode !== self && !isDots;
}

function dataBytes({ entry }: Inode, children: readonly Child[]): number {
  switch (entry.kind) {
    case 'dir':
      return direntBytes(children);
    case 'file':
      return contentSize(entry.content);
    case 'symlink':
      return encodeBytes(entry.target).length;
    case 'char':
    case 'block':
    case 'fifo':
    case 'socket':
      return 0;
  }
}

function withoutTail(draft: Draft): Draft {
  return {
    ...draft,
    tailBytes: 0,
    isInline: false,
    blocks: draft.blocks + 1,
    disk: { ...draft.disk, layout: 'plain' },
  };
}

/** The next slot; a tail must not cross a block, so an inode with one may have to begin in the next. */
function placeOf(offset: number, { headerBytes, tailBytes }: Draft): number {
  const slot = Math.ceil(offset / SLOT_BYTES) * SLOT_BYTES;
  if (tailBytes === 0) return slot;
  const start = (slot + headerBytes) % BLOCK_BYTES;
  return start + tailBytes <= BLOCK_BYTES && start > 0 ? slot : Math.ceil(slot / BLOCK_BYTES) * BLOCK_BYTES;
}

function finish(draft: Draft, offset: number, firstBlock: number, { mtime }: PlanOptions): PlannedInode {
  const { source, disk, xattrs, tailBytes, children, blocks, chunks, compressed } = draft;
  const { entry } = source;
  const isDevice = entry.kind === 'char' || entry.kind === 'block';
  if (isDevice && (entry.major > 0xfff || entry.minor > 0xf_ffff))
    throw new BuildError(`erofs: ${entry.path}: device ${entry.major}:${entry.minor} is beyond what Linux has`);
  const start = chunks?.bits ?? (blocks > 0 ? firstBlock : 0);
  const u = isDevice ? encodeDevice(entry.major, entry.minor) : compressed === undefined ? start : blocks;
  return {
    source,
    disk: { ...disk, u, isExtended: needsExtended(disk, mtime) },
    offset,
    xattrs,
    tailBytes,
    children,
    firstBlock,
    blocks,
    ...(chunks === undefined ? {} : { chunks }),
    ...(compressed === undefined ? {} : { compressed }),
  };
}
