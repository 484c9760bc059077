import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCpio } from '../../../../rootfs-builder/src/cpio/reader.ts';
import { contentSize } from '../../../../rootfs-builder/src/tree/entry.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { namedInodes } from '../../../../rootfs-builder/src/tree/inodes.ts';
import { archiveOf, arbitraryTree } from '../support.ts';

describe('writeTree()', () => {
  it('writes what the reader reads back, for any tree', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree, fc.nat(0xffff_ffff), async (tree, mtime) => {
        const records = readCpio(await archiveOf(tree, mtime));
        const expected = namedInodes(tree).map(({ path, inode }) => {
          const { mode, uid, gid } = inode.entry;
          return { name: path, ino: inode.ino, mode, uid, gid, mtime };
        });
        expect(
          records.map(({ name, ino, mode, uid, gid, mtime: time }) => ({
            name,
            ino,
            mode: mode & 0o7777,
            uid,
            gid,
            mtime: time,
          })),
        ).toEqual(expected);
        for (const { path, inode } of namedInodes(tree)) {
          if (inode.entry.kind !== 'file' || inode.names.at(-1) !== path) continue;
          expect(records.find((record) => record.name === path)?.data.length).toBe(contentSize(inode.entry.content));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('does not depend on the order in which the tree was made', async () => {
    const forward = new FileTree().file('a/x', '1').file('a-b', '2').dir('b').link('c', 'a/x');
    const backward = new FileTree().link('c', 'a/x').dir('b').file('a-b', '2').file('a/x', '1');
    expect(await archiveOf(backward)).toEqual(await archiveOf(forward));
  });

  it('puts each directory before what it holds', async () => {
    const tree = new FileTree().file('a/x', '').file('a.b', '').file('a-b/c', '').file('b', '');
    expect(readCpio(await archiveOf(tree)).map((record) => record.name)).toEqual([
      '.',
      'a',
      'a/x',
      'a-b',
      'a-b/c',
      'a.b',
      'b',
    ]);
  });

  it('writes the data of a file with several names once, with the last of them', async () => {
    const tree = new FileTree().file('b', 'data', { mode: 0o600, uid: 7 }).link('a', 'b').link('z', 'a');
    const records = readCpio(await archiveOf(tree)).filter((record) => record.name !== '.');
    expect(
      records.map(({ name, ino, nlink, uid, mode, sizeBytes }) => [name, ino, nlink, uid, mode, sizeBytes]),
    ).toEqual([
      ['a', 2, 3, 7, 0o100600, 0],
      ['b', 2, 3, 7, 0o100600, 0],
      ['z', 2, 3, 7, 0o100600, 4],
    ]);
  });

  it.each([
    ['a link to nothing', new FileTree().link('a', 'b'), /link a: its target b is not in the tree/],
    ['a link to a directory', new FileTree().dir('b').link('a', 'b'), /link a: its target b is a directory/],
    ['a circle of links', new FileTree().link('a', 'b').link('b', 'a'), /link a: links to itself/],
  ])('refuses %s', async (_, tree, message) => {
    await expect(archiveOf(tree)).rejects.toThrow(message);
  });

  it('refuses a host file that changed after the tree was made, or is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
    try {
      const path = join(folder, 'f');
      await writeFile(path, 'longer than it was');
      await expect(archiveOf(new FileTree().hostFile('f', path, 3))).rejects.toThrow(
        `read ${path}: the file changed while it was read`,
      );
      await expect(archiveOf(new FileTree().hostFile('f', path, 99))).rejects.toThrow('changed while it was read');
      await rm(path);
      await expect(archiveOf(new FileTree().hostFile('f', path, 3))).rejects.toThrow(`read ${path}: ENOENT`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
