import { assertNever } from '../../../agent/src/base/assert-never.ts';
import type { TreeEntry } from './entry.ts';
import type { FileTree } from './file-tree.ts';

/** Adds an entry as it is. Throws BuildError for what a tree refuses. */
export function putEntry(tree: FileTree, entry: TreeEntry): void {
  const { path } = entry;
  switch (entry.kind) {
    case 'dir':
      tree.dir(path, entry);
      return;
    case 'file':
      tree.content(path, entry.content, entry);
      return;
    case 'symlink':
      tree.symlink(path, entry.target, entry);
      return;
    case 'char':
    case 'block':
      tree.device(path, entry.kind, entry.major, entry.minor, entry);
      return;
    case 'fifo':
    case 'socket':
      tree.special(path, entry.kind, entry);
      return;
    case 'link':
      tree.link(path, entry.target);
      return;
    default:
      assertNever(entry);
  }
}
