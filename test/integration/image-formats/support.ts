import { execFile } from 'node:child_process';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import type { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { FILE_TYPES } from '../../../rootfs-builder/src/tree/file-types.ts';
import { namedInodes } from '../../../rootfs-builder/src/tree/inodes.ts';

const execute = promisify(execFile);

/** Time of all images of these tests. */
export const TIME = 1_700_000_000;

/** Packages of the programs that read images back; set-up installs them. */
const PACKAGES: Readonly<Record<string, string>> = {
  'fsck.erofs': 'erofs-utils',
  'dump.erofs': 'erofs-utils',
  veritysetup: 'cryptsetup-bin',
  sfdisk: 'fdisk',
  sgdisk: 'gdisk',
  xfs_repair: 'xfsprogs',
  xfs_db: 'xfsprogs',
};

/** What a program says on stdout. Fails with the package's name when it is not installed. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  try {
    const { stdout, stderr } = await execute(program, args, { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout + (program === 'veritysetup' || program === 'fsck.erofs' ? stderr : '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new Error(`${program} is not installed; on Debian: apt-get install ${PACKAGES[program] ?? program}`);
    throw error;
  }
}

/** Expects a directory to hold the tree with owners, modes, nodes, links, times and bytes. */
export async function expectExtracted(
  tree: FileTree,
  directory: string,
  options: {
    readonly hardLinks?: boolean;
    readonly times?: 'all' | 'files';
    readonly setUser?: boolean;
    readonly but?: readonly string[];
  } = {},
): Promise<void> {
  const { hardLinks = true, times = 'all', setUser = true, but = [] } = options;
  const inodes = new Map<number, number>();
  for (const { path, inode } of namedInodes(tree)) {
    const { entry } = inode;
    const hostPath = Buffer.concat([encodeBytes(`${directory}/`), encodeBytes(path)]);
    const stats = await lstat(hostPath);
    const { uid, gid } = entry;
    const mode = entry.kind === 'file' && !setUser ? entry.mode & ~0o6000 : entry.mode;
    const expected = { path, mode: FILE_TYPES[entry.kind] | mode, uid, gid };
    expect({ path, mode: stats.mode, uid: stats.uid, gid: stats.gid }).toEqual(expected);
    if (times === 'all' || entry.kind === 'file')
      expect([path, Math.floor(stats.mtimeMs / 1000)]).toEqual([path, entry.mtime ?? TIME]);
    if (hardLinks && entry.kind !== 'dir') {
      expect([path, stats.nlink]).toEqual([path, inode.names.length]);
      expect(inodes.get(inode.ino) ?? stats.ino).toBe(stats.ino);
      inodes.set(inode.ino, stats.ino);
    }
    if (entry.kind === 'symlink') expect(decodeBytes(await readlink(hostPath, 'buffer'))).toBe(entry.target);
    if (entry.kind === 'char' || entry.kind === 'block')
      expect(stats.rdev).toBe((entry.minor & 0xff) | (entry.major << 8) | ((entry.minor & ~0xff) << 12));
    if (entry.kind === 'file' && entry.content.kind === 'bytes' && !but.includes(path))
      expect(Buffer.compare(await readFile(hostPath), entry.content.bytes)).toBe(0);
  }
}

/** Copies a range of an image, holes kept. */
export async function cut(image: string, offset: number, lengthBytes: number, to: string): Promise<string> {
  const block = 512 * 1024;
  await run(
    'dd',
    ...[`if=${image}`, `of=${to}`, `bs=${block}`, 'conv=sparse', 'status=none'],
    ...[`skip=${offset / block}`, `count=${Math.ceil(lengthBytes / block)}`],
  );
  await run('truncate', '-s', String(lengthBytes), to);
  return to;
}

/** The same folder name in all tests: the path must not matter. */
export function outputIn(folder: string, name: string): string {
  return join(folder, 'out', name);
}
