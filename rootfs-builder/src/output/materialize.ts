import { execFile } from 'node:child_process';
import { chmod, lchown, link, lutimes, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BuildError, describing } from '../build-error.ts';
import { readContent } from '../tree/content.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { NamedInode } from '../tree/inodes.ts';

/**
 * Makes the tree as a host directory; `directory` must not exist. Owners are set when root does it and are the caller's
 * otherwise. Device nodes need root too.
 */
export async function materialize(tree: FileTree, directory: string, mtime: number): Promise<void> {
  const named = namedInodes(tree);
  for (const item of named) {
    const path = join(directory, item.path);
    await describing(`create ${path}`, () => create(item, directory, path));
  }
  // Children first: a mode without write permission and the time of a directory must come after what is put into it.
  for (const { path: relative, inode } of named.reverse()) {
    if (inode.names[0] !== relative) continue;
    const { kind, mode, uid, gid } = inode.entry;
    const path = join(directory, relative);
    await describing(`create ${path}`, async () => {
      if (process.getuid?.() === 0) await lchown(path, uid, gid);
      if (kind !== 'symlink') await chmod(path, mode); // after the owner: chown clears set-user-ID bits
      await lutimes(path, mtime, mtime);
    });
  }
}

async function create({ path, inode }: NamedInode, directory: string, hostPath: string): Promise<void> {
  const [first = path] = inode.names;
  if (first !== path) return link(join(directory, first), hostPath);
  const { entry } = inode;
  switch (entry.kind) {
    case 'dir':
      return mkdir(hostPath);
    case 'file':
      return writeFile(hostPath, readContent(entry.content), { flag: 'wx' });
    case 'symlink':
      return symlink(entry.target, hostPath);
    case 'char':
    case 'block':
      return mknod(hostPath, entry.kind === 'char' ? 'c' : 'b', String(entry.major), String(entry.minor));
    case 'fifo':
      return mknod(hostPath, 'p');
    case 'socket':
      throw new BuildError(`create ${hostPath}: a socket cannot be made; write an archive instead`);
  }
}

/** Node has no mknod(2), coreutils has. Devices need root. */
async function mknod(path: string, ...what: string[]): Promise<void> {
  try {
    await promisify(execFile)('mknod', ['-m', '600', path, ...what]);
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new BuildError(`create ${path}: ${said === '' ? 'mknod failed' : said}; an archive needs no root`, error);
  }
}
