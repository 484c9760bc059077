import { chmod, lchown, link, lutimes, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, describing } from '../build-error.ts';
import { readContent } from '../tree/content.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { NamedInode } from '../tree/inodes.ts';

/**
 * Makes the tree as a host directory; `directory` must not exist. Owners are set when root does it and are the caller's
 * otherwise. Device nodes are refused, as Node has no mknod: an archive can hold them.
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
    case 'fifo':
    case 'socket':
      throw new BuildError(`create ${hostPath}: a ${entry.kind} node needs mknod; write an archive instead`);
  }
}
