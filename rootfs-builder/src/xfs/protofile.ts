/**
 * The prototype file with which mkfs.xfs(8) fills a new file system. Its words are separated by white space and cannot be
 * quoted, and it has no hard links, sockets or extended attributes. Links and attributes can be added afterwards where xfs_db is
 * new enough; other trees are refused with the name of what is not possible, for a file system that lacks something would be
 * found out in the guest.
 */
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { Inode } from '../tree/inodes.ts';
import { parentOf } from '../tree/tree-path.ts';

/** Since then xfs_db makes links, and takes names and values of attributes from files. */
export const LINKING_VERSION = '6.10';

const TYPE_LETTERS = { file: '-', dir: 'd', symlink: 'l', char: 'c', block: 'b', fifo: 'p' } as const;

/**
 * The lines of a tree; `fileOf` gives the host path with the bytes of a file. With `isCompleted` further names and attributes are left
 * to what comes afterwards. Throws BuildError for what it cannot say.
 */
export function protofile(tree: FileTree, fileOf: (inode: Inode) => string, isCompleted = false): Uint8Array {
  const lines: Uint8Array[] = [encodeBytes('/\n0 0\n')];
  const open: string[] = [];
  for (const { path, inode } of namedInodes(tree)) {
    const parent = path === '.' ? '' : parentOf(path);
    while (open.length > 0 && open.at(-1) !== parent) {
      open.pop();
      lines.push(encodeBytes('$\n'));
    }
    const line = lineOf(path, inode, fileOf, isCompleted);
    if (inode.names[0] === path) lines.push(line);
    if (inode.entry.kind === 'dir') open.push(path);
  }
  lines.push(...open.map(() => encodeBytes('$\n')));
  return Buffer.concat(lines);
}

function lineOf(path: string, inode: Inode, fileOf: (inode: Inode) => string, isCompleted: boolean): Uint8Array {
  const { entry, names } = inode;
  const refuse = (what: string): never => {
    throw new BuildError(`xfs: ${path}: mkfs.xfs cannot make ${what}; use ext4 or erofs`);
  };
  const needed = `, and this xfs_db adds none (xfsprogs ${LINKING_VERSION} does)`;
  if (names.length > 1 && !isCompleted) return refuse(`hard links (${names.slice(0, 3).join(', ')})${needed}`);
  if (entry.xattrs !== undefined && !isCompleted)
    return refuse(`extended attributes (${[...entry.xattrs.keys()].join(', ')})${needed}`);
  if (entry.kind === 'socket') return refuse('a socket');
  const name = path === '.' ? '' : path.slice(path.lastIndexOf('/') + 1);
  const { mode, uid, gid } = entry;
  // Three digits and two letters: the sticky bit has no place and is set afterwards.
  const bits = (mode & 0o777).toString(8).padStart(3, '0');
  const spec = `${TYPE_LETTERS[entry.kind]}${(mode & 0o4000) !== 0 ? 'u' : '-'}${(mode & 0o2000) !== 0 ? 'g' : '-'}${bits}`;
  const words = [...(name === '' ? [] : [name]), spec, String(uid), String(gid)];
  if (entry.kind === 'file') words.push(fileOf(inode));
  if (entry.kind === 'symlink') words.push(entry.target);
  if (entry.kind === 'char' || entry.kind === 'block') words.push(String(entry.major), String(entry.minor));
  if (words.some((word) => /\s/.test(word))) return refuse('a name or symlink with white space');
  if (name === '$' || name.startsWith(':')) return refuse('such a name');
  return encodeBytes(`${words.join(' ')}\n`);
}
