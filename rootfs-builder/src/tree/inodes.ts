import { BuildError } from '../build-error.ts';
import type { TreeEntry } from './entry.ts';
import type { FileTree } from './file-tree.ts';

/** A file, directory or node of a tree with all its names. */
export interface Inode {
  readonly entry: Exclude<TreeEntry, { kind: 'link' }>;
  /** From 1, in the order of the first name. */
  readonly ino: number;
  /** All paths that name it, in archive order. */
  readonly names: readonly string[];
}

/** One path of a tree, and what it names. */
export interface NamedInode {
  readonly path: string;
  readonly inode: Inode;
}

/**
 * All paths of a tree in archive order, with links resolved. Throws BuildError when a chain of links ends nowhere, at a
 * directory, or in itself.
 */
export function namedInodes(tree: FileTree): NamedInode[] {
  const byTarget = new Map<string, Inode & { names: string[] }>();
  return tree.entries().map(({ path }) => {
    const entry = resolveLink(tree, path);
    let inode = byTarget.get(entry.path);
    if (inode === undefined) {
      inode = { entry, ino: byTarget.size + 1, names: [] };
      byTarget.set(entry.path, inode);
    }
    inode.names.push(path);
    return { path, inode };
  });
}

function resolveLink(tree: FileTree, path: string): Inode['entry'] {
  const seen = new Set<string>();
  for (let current = path; !seen.has(current);) {
    seen.add(current);
    const entry = tree.get(current);
    if (entry === undefined) throw new BuildError(`link ${path}: its target ${current} is not in the tree`);
    if (entry.kind !== 'link') {
      if (entry.kind === 'dir' && current !== path)
        throw new BuildError(`link ${path}: its target ${current} is a directory`);
      return entry;
    }
    current = entry.target;
  }
  throw new BuildError(`link ${path}: links to itself`);
}
