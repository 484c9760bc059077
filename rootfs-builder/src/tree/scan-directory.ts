import { lstat, readdir, readlink } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError, describing } from '../build-error.ts';
import type { FileTree, OwnershipOptions } from './file-tree.ts';

/** How a host directory becomes part of a tree. */
export interface ScanOptions {
  /** `keep` takes owners over from the host, `root` gives everything to 0:0 (a tree unpacked by an ordinary user). */
  readonly owner: 'keep' | 'root';
}

/**
 * Adds what is in the host directory `hostDir` at `path` of the tree ("." for the root): files, links (also hard links
 * among what is found), devices, owners and modes. It does not follow symlinks and stays out of nothing, so give it a
 * tree without mounts. Extended attributes do not exist in cpio and are left behind.
 */
export async function scanDirectory(
  tree: FileTree,
  hostDir: string,
  path: string,
  options: ScanOptions,
): Promise<void> {
  const root = await describing(`read ${hostDir}`, () => lstat(hostDir, { bigint: true }));
  if (!root.isDirectory()) throw new BuildError(`read ${hostDir}: not a directory`);
  tree.dir(path, ownershipOf(root, options));
  await scanInto(tree, encodeBytes(hostDir), path, options, new Map());
}

async function scanInto(
  tree: FileTree,
  hostDir: Uint8Array,
  path: string,
  options: ScanOptions,
  firstNames: Map<string, string>,
): Promise<void> {
  const names = await describing(`read ${decodeBytes(hostDir)}`, () =>
    readdir(Buffer.from(hostDir), { encoding: 'buffer' }),
  );
  for (const name of names.sort((left, right) => Buffer.compare(left, right))) {
    const hostPath = Buffer.concat([hostDir, Buffer.from('/'), name]);
    const shown = decodeBytes(hostPath);
    const target = path === '.' ? decodeBytes(name) : `${path}/${decodeBytes(name)}`;
    const stats = await describing(`read ${shown}`, () => lstat(hostPath, { bigint: true }));
    const ownership = ownershipOf(stats, options);
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
      await scanInto(tree, hostPath, target, options, firstNames);
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

function ownershipOf(stats: BigIntStats, options: ScanOptions): OwnershipOptions {
  const mode = Number(stats.mode & 0o7777n);
  return options.owner === 'root' ? { mode } : { mode, uid: Number(stats.uid), gid: Number(stats.gid) };
}

/** Takes a dev_t apart as makedev(3) of glibc puts it together. */
function splitDevice(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  };
}
