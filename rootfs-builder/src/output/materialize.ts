import { execFile } from 'node:child_process';
import { chmod, lchown, link, lutimes, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError, describing } from '../build-error.ts';
import { readContent } from '../tree/content.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { NamedInode } from '../tree/inodes.ts';
import { writeXattrs } from './write-xattrs.ts';

/**
 * Makes the tree as a host directory; `directory` must not exist. Owners are set when root does it and are the caller's
 * otherwise. Device nodes need root too, and so do attributes beside `user.*`: those are left out, and a note returned.
 */
export async function materialize(
  tree: FileTree,
  directory: string,
  mtime: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const named = namedInodes(tree);
  const placeOf = (path: string): Buffer =>
    Buffer.concat([encodeBytes(directory), encodeBytes(path === '.' ? '' : `/${path}`)]);
  for (const item of named) {
    await describing(`create ${join(directory, item.path)}`, () => create(item, placeOf));
  }
  // Children first: a mode without write permission and the time of a directory must come after what is put into it.
  for (const { path: relative, inode } of named.reverse()) {
    if (inode.names[0] !== relative) continue;
    const { kind, mode, uid, gid } = inode.entry;
    const time = inode.entry.mtime ?? mtime;
    const path = placeOf(relative);
    await describing(`create ${join(directory, relative)}`, async () => {
      if (process.getuid?.() === 0) await lchown(path, uid, gid);
      if (kind !== 'symlink') await chmod(path, mode); // after the owner: chown clears set-user-ID bits
      await lutimes(path, time, time);
    });
  }
  // After the owners: chown takes capabilities away.
  return await writeXattrs(tree, directory, signal);
}

async function create({ path, inode }: NamedInode, placeOf: (path: string) => Buffer): Promise<void> {
  const place = placeOf(path);
  const [first = path] = inode.names;
  if (first !== path) return link(placeOf(first), place);
  const { entry } = inode;
  switch (entry.kind) {
    case 'dir':
      return mkdir(place);
    case 'file':
      return writeFile(place, readContent(entry.content), { flag: 'wx' });
    case 'symlink':
      return symlink(Buffer.from(encodeBytes(entry.target)), place);
    case 'char':
    case 'block':
      return mknod(place, entry.kind === 'char' ? 'c' : 'b', String(entry.major), String(entry.minor));
    case 'fifo':
      return mknod(place, 'p');
    case 'socket':
      throw new BuildError(`create ${decodeBytes(place)}: a socket cannot be made; write an archive instead`);
  }
}

/** Node has no mknod(2), coreutils has. Devices need root. */
async function mknod(place: Buffer, ...what: string[]): Promise<void> {
  const path = place.toString();
  // Arguments of programs are text to Node.
  if (!Buffer.from(path).equals(place))
    throw new BuildError(`create ${path}: a node whose name is not UTF-8 cannot be made; write an archive instead`);
  try {
    await promisify(execFile)('mknod', ['-m', '600', path, ...what]);
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new BuildError(`create ${path}: ${said === '' ? 'mknod failed' : said}; an archive needs no root`, error);
  }
}
