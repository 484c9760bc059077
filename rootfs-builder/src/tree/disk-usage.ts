import { contentSize } from './entry.ts';
import type { FileTree } from './file-tree.ts';

const BLOCK_BYTES = 4096;

/** What `du` says of a tree on a file system with blocks of 4 KiB: whole blocks of each file, one for each directory. */
export function diskUsageBytes(tree: FileTree): number {
  return tree.entries().reduce((sum, entry) => {
    if (entry.kind === 'dir') return sum + BLOCK_BYTES;
    if (entry.kind !== 'file') return sum;
    return sum + Math.ceil(contentSize(entry.content) / BLOCK_BYTES) * BLOCK_BYTES;
  }, 0);
}
