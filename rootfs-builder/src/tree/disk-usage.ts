import { contentSize } from './entry.ts';
import type { Xattrs } from './entry.ts';
import type { FileTree } from './file-tree.ts';
import type { Survey } from './survey.ts';

const BLOCK_BYTES = 4096;

/** Zeros from which on a file counts as one with holes; copies of ordinary files have none, and so `du` finds none. */
const MIN_HOLES_BYTES = 1024 * 1024;

/**
 * What `du` says of a tree on a file system with blocks of 4 KiB: whole blocks of each file, one for each directory. Holes are
 * told by `sparse`, for file systems that keep them.
 */
export function diskUsageBytes(tree: FileTree, sparse: Survey['sparse'] = new Map()): number {
  return tree.entries().reduce((before, entry) => {
    const sum = before + attributeBlocks(entry.xattrs) * BLOCK_BYTES;
    if (entry.kind === 'dir') return sum + BLOCK_BYTES;
    if (entry.kind !== 'file') return sum;
    const whole = Math.ceil(contentSize(entry.content) / BLOCK_BYTES) * BLOCK_BYTES;
    const blocks = sparse.get(entry.path);
    if (blocks === undefined) return sum + whole;
    const data = blocks.reduce((count, [, length]) => count + length, 0) * BLOCK_BYTES;
    return sum + (whole - data >= MIN_HOLES_BYTES ? data : whole);
  }, 0);
}

/** Blocks of attributes that are too many for one; `du` sees those as well. */
function attributeBlocks(xattrs: Xattrs | undefined): number {
  const values = [...(xattrs?.values() ?? [])].map(({ length }) => Math.ceil(length / BLOCK_BYTES));
  const bytes = [...(xattrs?.values() ?? [])].reduce((sum, { length }) => sum + length, 0);
  return bytes > BLOCK_BYTES ? values.reduce((sum, blocks) => sum + blocks, 1) : 0;
}
