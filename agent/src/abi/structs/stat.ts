import { layouts } from '../layouts.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../constants.ts';
import type { StructView } from './struct-view.ts';

/** What statx(2) told about a file. Sizes in bytes. */
export interface Stat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: bigint;
  readonly ino: bigint;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Seconds since the epoch. */
  readonly mtimeSec: bigint;
  readonly mtimeNsec: number;
  /** Mount the file was reached through (Linux 5.8). */
  readonly mountId: bigint;
  /** STATX_ATTR_*; MOUNT_ROOT is the interesting one. */
  readonly attributes: bigint;
}

const at = layouts.statx;

/** Reads a filled `struct statx`. */
export function readStat(view: StructView): Stat {
  return {
    mode: view.u16(at.stx_mode),
    uid: view.u32(at.stx_uid),
    gid: view.u32(at.stx_gid),
    nlink: view.u32(at.stx_nlink),
    size: view.u64(at.stx_size),
    ino: view.u64(at.stx_ino),
    rdevMajor: view.u32(at.stx_rdev_major),
    rdevMinor: view.u32(at.stx_rdev_minor),
    devMajor: view.u32(at.stx_dev_major),
    devMinor: view.u32(at.stx_dev_minor),
    mtimeSec: view.u64(at.stx_mtime),
    // struct statx_timestamp: the seconds take eight bytes.
    mtimeNsec: view.u32(at.stx_mtime + 8),
    mountId: view.u64(at.stx_mnt_id),
    attributes: view.u64(at.stx_attributes),
  };
}

const typeIs =
  (type: number) =>
  (stat: Pick<Stat, 'mode'>): boolean =>
    (stat.mode & S_IFMT) === type;

export const isDirectory = typeIs(S_IFDIR);
export const isRegular = typeIs(S_IFREG);
export const isSymlink = typeIs(S_IFLNK);
export const isBlockDevice = typeIs(S_IFBLK);
export const isCharDevice = typeIs(S_IFCHR);
export const isFifo = typeIs(S_IFIFO);
export const isSocket = typeIs(S_IFSOCK);
