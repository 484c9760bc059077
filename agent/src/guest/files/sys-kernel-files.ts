import { isSysError } from '../../base/sys-error.ts';
import {
  exists,
  isBlockDevice,
  isCharDevice,
  readDirectory,
  readlink,
  readText,
  stat,
  writeFile,
} from '../../sys/file.ts';
import type { KernelFiles } from './kernel-files.ts';

/** The result of `work`, or undefined when the file or a part of its path does not exist. */
function tryAbsent<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    // ENODEV and ENXIO: the device behind an open sysfs directory went away meanwhile.
    if (isSysError(error, 'ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO')) return undefined;
    throw error;
  }
}

/** The real files of this machine. */
export const sysKernelFiles: KernelFiles = {
  tryRead: (path) => tryAbsent(() => readText(path)),
  tryList: (path) => tryAbsent(() => readDirectory(path).map((entry) => entry.name)),
  exists: (path) => exists(path),
  write: (path, text) => writeFile(path, text),
  tryBlockDevice: (path) => {
    const found = tryAbsent(() => stat(path));
    if (found === undefined || !isBlockDevice(found)) return undefined;
    return { major: found.rdevMajor, minor: found.rdevMinor };
  },
  tryNode: (path) => {
    const found = tryAbsent(() => stat(path));
    if (found === undefined) return undefined;
    const { rdevMajor: major, rdevMinor: minor, uid, gid } = found;
    const type = isBlockDevice(found) ? 'b' : isCharDevice(found) ? 'c' : 'other';
    return { type, major, minor, mode: found.mode & 0o7777, uid, gid };
  },
  tryLinkName: (path) => tryAbsent(() => readlink(path))?.replace(/^.*\//, ''),
};
