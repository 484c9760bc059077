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
import { invalidArgument } from '../base/errors.ts';
import { encodeBytes } from '../base/text.ts';

/** Arguments of mount(2) that come from an option list. */
export interface MountOptions {
  /** MS_* bits. */
  readonly flags: number;
  /** The data string; empty for none. */
  readonly data: string;
}

/** The kernel copies one page of data and needs the terminating NUL in it (mount(2)). */
const MAX_DATA_BYTES = 4095;

/** Options that set bits. */
const SETTING: ReadonlyMap<string, number> = new Map([
  ['bind', MS_BIND],
  ['dirsync', MS_DIRSYNC],
  ['iversion', MS_I_VERSION],
  ['mand', MS_MANDLOCK],
  ['noatime', MS_NOATIME],
  ['nodev', MS_NODEV],
  ['nodiratime', MS_NODIRATIME],
  ['noexec', MS_NOEXEC],
  ['nosuid', MS_NOSUID],
  ['private', MS_PRIVATE],
  ['rbind', MS_BIND | MS_REC],
  ['relatime', MS_RELATIME],
  ['remount', MS_REMOUNT],
  ['ro', MS_RDONLY],
  ['rprivate', MS_PRIVATE | MS_REC],
  ['rshared', MS_SHARED | MS_REC],
  ['rslave', MS_SLAVE | MS_REC],
  ['runbindable', MS_UNBINDABLE | MS_REC],
  ['shared', MS_SHARED],
  ['silent', MS_SILENT],
  ['slave', MS_SLAVE],
  ['strictatime', MS_STRICTATIME],
  ['sync', MS_SYNCHRONOUS],
  ['unbindable', MS_UNBINDABLE],
]);

/** Options that clear a bit which an earlier one has set. */
const CLEARING: ReadonlyMap<string, number> = new Map([
  ['async', MS_SYNCHRONOUS],
  ['atime', MS_NOATIME],
  ['dev', MS_NODEV],
  ['diratime', MS_NODIRATIME],
  ['exec', MS_NOEXEC],
  ['loud', MS_SILENT],
  ['noiversion', MS_I_VERSION],
  ['nomand', MS_MANDLOCK],
  ['norelatime', MS_RELATIME],
  ['nostrictatime', MS_STRICTATIME],
  ['rw', MS_RDONLY],
  ['suid', MS_NOSUID],
]);

/**
 * Sorts fstab-like options of a storage into flags and data (contract storage section 3). They apply from left to right, so later ones win; what no table
 * knows is data for the file system, in order. Throws `invalid_argument` for `loop`, which only mount(8) can do, and for data above a page.
 */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const set = SETTING.get(option);
    const clear = CLEARING.get(option);
    if (set !== undefined) flags |= set;
    else if (clear !== undefined) flags &= ~clear;
    else if (option === 'loop') throw invalidArgument('options', 'invalid mount option loop');
    else if (option !== 'defaults' && option !== '') data.push(option);
  }
  const text = data.join(',');
  if (encodeBytes(text).length > MAX_DATA_BYTES)
    throw invalidArgument('options', `mount data is longer than ${MAX_DATA_BYTES} bytes`);
  return { flags, data: text };
}
