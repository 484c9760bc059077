import { decodeBytes } from '../../../agent/src/base/text.ts';
import { readContent } from './content.ts';
import { contentSize } from './entry.ts';
import type { FileTree } from './file-tree.ts';

/** Text of a file of the tree, symlinks among its parents followed; undefined when no file is there or it is larger than `limit`. */
export async function readText(tree: FileTree, path: string, limit = 1024 * 1024): Promise<string | undefined> {
  const entry = tree.get(tree.locate(path));
  if (entry?.kind !== 'file' || contentSize(entry.content) > limit) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of readContent(entry.content)) pieces.push(piece);
  return decodeBytes(Buffer.concat(pieces));
}

/** What a path leads to when symlinks are followed to the end, inside the tree. Undefined for what is not there. */
export function followed(tree: FileTree, path: string): string | undefined {
  let current = tree.locate(path);
  for (let count = 0; count < 40; count++) {
    const entry = tree.get(current);
    if (entry === undefined) return undefined;
    if (entry.kind !== 'symlink') return current;
    const target = entry.target.startsWith('/') ? entry.target : `/${current}/../${entry.target}`;
    const parts: string[] = [];
    for (const part of target.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    }
    current = parts.length === 0 ? '.' : tree.locate(parts.join('/'));
  }
  return undefined;
}
