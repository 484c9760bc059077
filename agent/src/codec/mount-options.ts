import {
  MS_BIND,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
} from '../abi/constants.ts';
import { DomainError } from '../base/errors.ts';

/** Options that set flags of mount(2). */
const SETS: Readonly<Record<string, number>> = Object.assign(Object.create(null) as Record<string, number>, {
  bind: MS_BIND,
  rbind: MS_BIND | MS_REC,
  dirsync: MS_DIRSYNC,
  iversion: MS_I_VERSION,
  mand: MS_MANDLOCK,
  noatime: MS_NOATIME,
  nodev: MS_NODEV,
  nodiratime: MS_NODIRATIME,
  noexec: MS_NOEXEC,
  nosuid: MS_NOSUID,
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  relatime: MS_RELATIME,
  remount: MS_REMOUNT,
  ro: MS_RDONLY,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  silent: MS_SILENT,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  strictatime: MS_STRICTATIME,
  sync: MS_SYNCHRONOUS,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
});

/** Options that clear flags. */
const CLEARS: Readonly<Record<string, number>> = Object.assign(Object.create(null) as Record<string, number>, {
  defaults: 0,
  async: MS_SYNCHRONOUS,
  atime: MS_NOATIME,
  dev: MS_NODEV,
  diratime: MS_NODIRATIME,
  exec: MS_NOEXEC,
  loud: MS_SILENT,
  noiversion: MS_I_VERSION,
  nomand: MS_MANDLOCK,
  norelatime: MS_RELATIME,
  nostrictatime: MS_STRICTATIME,
  rw: MS_RDONLY,
  suid: MS_NOSUID,
});

/** mount(2) copies one page of data, its NUL included. */
const MAX_DATA_BYTES = 4095;

/** Arguments of mount(2) made from a list of options. */
export interface MountArguments {
  /** MS_* bits, unsigned. */
  readonly flags: number;
  /** What the file system itself reads, comma-separated. */
  readonly data: string;
}

/**
 * Splits fstab-like options into flags and data (contract storage section 3). They apply from left to right, so later ones
 * win; what is no flag is data. Throws a DomainError `internal` for `loop`, which would need a loop device, and for more
 * data than the kernel reads.
 */
export function parseMountOptions(options: readonly string[]): MountArguments {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const set = SETS[option];
    const clear = CLEARS[option];
    if (set !== undefined) flags |= set;
    else if (clear !== undefined) flags &= ~clear;
    else if (option === 'loop') throw new DomainError('internal', 'invalid mount option loop');
    else if (option !== '') data.push(option);
  }
  const text = data.join(',');
  if (text.length > MAX_DATA_BYTES) {
    throw new DomainError('internal', `mount options of ${text.length} characters are longer than one page`);
  }
  return { flags: flags >>> 0, data: text };
}
