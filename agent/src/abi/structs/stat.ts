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

/** A filled `struct statx`; a field is read when somebody asks, which is for one or two of them. */
class StatView implements Stat {
  readonly #view: StructView;

  constructor(view: StructView) {
    this.#view = view;
  }

  get mode(): number {
    return this.#view.u16(at.stx_mode);
  }
  get uid(): number {
    return this.#view.u32(at.stx_uid);
  }
  get gid(): number {
    return this.#view.u32(at.stx_gid);
  }
  get nlink(): number {
    return this.#view.u32(at.stx_nlink);
  }
  get size(): bigint {
    return this.#view.u64(at.stx_size);
  }
  get ino(): bigint {
    return this.#view.u64(at.stx_ino);
  }
  get rdevMajor(): number {
    return this.#view.u32(at.stx_rdev_major);
  }
  get rdevMinor(): number {
    return this.#view.u32(at.stx_rdev_minor);
  }
  get devMajor(): number {
    return this.#view.u32(at.stx_dev_major);
  }
  get devMinor(): number {
    return this.#view.u32(at.stx_dev_minor);
  }
  get mtimeSec(): bigint {
    return this.#view.u64(at.stx_mtime);
  }
  /** struct statx_timestamp: the seconds take eight bytes. */
  get mtimeNsec(): number {
    return this.#view.u32(at.stx_mtime + 8);
  }
  get mountId(): bigint {
    return this.#view.u64(at.stx_mnt_id);
  }
  get attributes(): bigint {
    return this.#view.u64(at.stx_attributes);
  }
}

/** The meaning of a filled `struct statx`, which must not be written to again. */
export function readStat(view: StructView): Stat {
  return new StatView(view);
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
