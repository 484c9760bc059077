import { encodeBytes } from '../../../agent/src/base/text.ts';
import { readContent } from '../tree/content.ts';
import { contentSize } from '../tree/entry.ts';
import type { Content } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { FILE_TYPES } from '../tree/file-types.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { Inode } from '../tree/inodes.ts';
import { encodeHeader, paddingAfter, TRAILER_NAME } from './header.ts';

/**
 * Writes a tree as a newc archive, in pieces. The bytes depend on the tree and `mtime` (seconds since 1970, given to
 * every entry) alone: names are sorted, inodes numbered in that order, and nothing of the host is recorded.
 */
export async function* writeTree(tree: FileTree, mtime: number): AsyncGenerator<Uint8Array> {
  for (const { path, inode } of namedInodes(tree)) {
    const { entry, ino, names } = inode;
    // Of several names the last one carries the data: cpio(1) writes it so, and every reader links the others to it.
    const content = names.at(-1) === path ? contentOf(entry) : undefined;
    const sizeBytes = content === undefined ? 0 : contentSize(content);
    const [rdevMajor, rdevMinor] =
      entry.kind === 'char' || entry.kind === 'block' ? [entry.major, entry.minor] : [0, 0];
    yield encodeHeader({
      name: path,
      ino,
      mode: FILE_TYPES[entry.kind] | entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      // The link count of a directory depends on how a file system counts; 2 is what an empty one has everywhere.
      nlink: entry.kind === 'dir' ? 2 : names.length,
      mtime: entry.mtime ?? mtime,
      sizeBytes,
      rdevMajor,
      rdevMinor,
    });
    if (content === undefined) continue;
    yield* readContent(content);
    if (paddingAfter(sizeBytes) > 0) yield new Uint8Array(paddingAfter(sizeBytes));
  }
  const none = { ino: 0, mode: 0, uid: 0, gid: 0, mtime: 0, sizeBytes: 0, rdevMajor: 0, rdevMinor: 0 };
  yield encodeHeader({ name: TRAILER_NAME, nlink: 1, ...none });
}

function contentOf(entry: Inode['entry']): Content | undefined {
  if (entry.kind === 'file') return entry.content;
  return entry.kind === 'symlink' ? { kind: 'bytes', bytes: encodeBytes(entry.target) } : undefined;
}
