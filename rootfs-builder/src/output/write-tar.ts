import { once } from 'node:events';
import { pack } from 'tar-stream';
import type { Header, Pack } from 'tar-stream';
import { BuildError } from '../build-error.ts';
import { readContent } from '../tree/content.ts';
import { contentSize } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { NamedInode } from '../tree/inodes.ts';

type TarHeader = Partial<Header> & Pick<Header, 'name'>;

/** The tree as a tar archive (ustar, pax where needed), in pieces and sorted; needs no privileges. */
export async function* writeTar(tree: FileTree, mtime: number): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const filled = fill(archive, tree, mtime).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  yield* archive as AsyncIterable<Uint8Array>;
  await filled;
}

async function fill(archive: Pack, tree: FileTree, mtime: number): Promise<void> {
  for (const item of namedInodes(tree)) {
    const { mode, uid, gid } = item.inode.entry;
    const name = item.path === '.' ? './' : item.path;
    const header: TarHeader = { name, mode, uid, gid, mtime: new Date(mtime * 1000), ...typeOf(item) };
    const { entry } = item.inode;
    const content = entry.kind === 'file' && header.type === 'file' ? entry.content : undefined;
    const size = content === undefined ? 0 : contentSize(content);
    const sink = archive.entry({ ...header, size });
    if (size === 0 || content === undefined) {
      sink.end(null);
      continue;
    }
    const finished = once(sink, 'finish');
    finished.catch(() => undefined);
    for await (const piece of readContent(content)) {
      if (!sink.write(piece)) await once(sink, 'drain');
    }
    sink.end(null);
    await finished;
  }
  archive.finalize();
}

function typeOf({ path, inode }: NamedInode): Partial<Header> {
  const { entry } = inode;
  const [first = path] = inode.names;
  if (first !== path) return { type: 'link', linkname: first };
  switch (entry.kind) {
    case 'dir':
      return { type: 'directory' };
    case 'file':
      return { type: 'file' };
    case 'symlink':
      return { type: 'symlink', linkname: entry.target };
    case 'char':
      return { type: 'character-device', devmajor: entry.major, devminor: entry.minor };
    case 'block':
      return { type: 'block-device', devmajor: entry.major, devminor: entry.minor };
    case 'fifo':
      return { type: 'fifo' };
    case 'socket':
      throw new BuildError(`${path}: a tar archive cannot hold a socket`);
  }
}
