import { lstat, readdir, readlink } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError, describing } from '../build-error.ts';
import type { Xattrs } from './entry.ts';
import type { FileTree, OwnershipOptions } from './file-tree.ts';
import { hostXattrs } from './host-xattrs.ts';

/** How a host directory becomes part of a tree. */
export interface ScanOptions {
  /** `keep` takes owners over from the host, `root` gives everything to 0:0 (a tree unpacked by an ordinary user). */
  readonly owner: 'keep' | 'root';
  /** Whether extended attributes (file capabilities) are taken over; false by default. */
  readonly hasXattrs?: boolean;
  readonly signal?: AbortSignal;
}

/** What all levels of a scan share. */
interface Scan extends ScanOptions {
  readonly root: string;
  /** By inode: its first name in the tree. */
  readonly firstNames: Map<string, string>;
  /** By path below the folder that is scanned. */
  readonly xattrs: ReadonlyMap<string, Xattrs>;
}

/**
 * Adds what is in the host directory `hostDir` at `path` of the tree ("." for the root): files, links (also hard links
 * among what is found), devices, owners and modes. It does not follow symlinks and stays out of nothing, so give it a
 * tree without mounts.
 */
export async function scanDirectory(
  tree: FileTree,
  hostDir: string,
  path: string,
  options: ScanOptions,
): Promise<void> {
  const root = await describing(`read ${hostDir}`, () => lstat(hostDir, { bigint: true }));
  if (!root.isDirectory()) throw new BuildError(`read ${hostDir}: not a directory`);
  const xattrs = options.hasXattrs === true ? await hostXattrs(hostDir, options.signal) : new Map<string, Xattrs>();
  const scan = { ...options, root: path, firstNames: new Map<string, string>(), xattrs };
  tree.dir(path, attributesOf(root, path, scan));
  await scanInto(tree, encodeBytes(hostDir), path, scan);
}

async function scanInto(tree: FileTree, hostDir: Uint8Array, path: string, scan: Scan): Promise<void> {
  scan.signal?.throwIfAborted();
  const { firstNames } = scan;
  const names = await describing(`read ${decodeBytes(hostDir)}`, () =>
    readdir(Buffer.from(hostDir), { encoding: 'buffer' }),
  );
  for (const name of names.sort((left, right) => Buffer.compare(left, right))) {
    const hostPath = Buffer.concat([hostDir, Buffer.from('/'), name]);
    const shown = decodeBytes(hostPath);
    const target = path === '.' ? decodeBytes(name) : `${path}/${decodeBytes(name)}`;
    const stats = await describing(`read ${shown}`, () => lstat(hostPath, { bigint: true }));
    const ownership = attributesOf(stats, target, scan);
    if (!stats.isDirectory() && stats.nlink > 1n) {
      const identity = `${stats.dev}:${stats.ino}`;
      const first = firstNames.get(identity);
      if (first !== undefined) {
        tree.link(target, first);
        continue;
      }
      firstNames.set(identity, target);
    }
    if (stats.isDirectory()) {
      tree.dir(target, ownership);
      await scanInto(tree, hostPath, target, scan);
    } else if (stats.isSymbolicLink()) {
      const link = await describing(`read ${shown}`, () => readlink(hostPath, { encoding: 'buffer' }));
      tree.symlink(target, decodeBytes(link), { ...ownership, mode: 0o777 });
    } else if (stats.isFile()) {
      tree.hostFile(target, hostPath, Number(stats.size), ownership);
    } else if (stats.isCharacterDevice() || stats.isBlockDevice()) {
      const { major, minor } = splitDevice(stats.rdev);
      tree.device(target, stats.isBlockDevice() ? 'block' : 'char', major, minor, ownership);
    } else {
      tree.special(target, stats.isFIFO() ? 'fifo' : 'socket', ownership);
    }
  }
}

function attributesOf(stats: BigIntStats, path: string, scan: Scan): OwnershipOptions {
  const below = path === scan.root ? '.' : scan.root === '.' ? path : path.slice(scan.root.length + 1);
  const xattrs = scan.xattrs.get(below);
  const mode = Number(stats.mode & 0o7777n);
  return {
    mode,
    ...(scan.owner === 'root' ? {} : { uid: Number(stats.uid), gid: Number(stats.gid) }),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

/** Takes a dev_t apart as makedev(3) of glibc puts it together. */
function splitDevice(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  };
}
