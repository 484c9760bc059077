import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../../abi/constants.ts';
import type { Fd } from '../../../sys/fd.ts';
import {
  fstat,
  isDirectory,
  isRegular,
  isSymlink,
  openAt,
  readDirectoryFd,
  readFdToEnd,
  readlink,
  stat,
  type Stat,
} from '../../../sys/file.ts';
import { isSysError } from '../../../base/sys-error.ts';
import { storageFailure } from '../storage-error.ts';
import { MAX_BYTES, MAX_ENTRIES, type SeenEntry } from './plan-sync.ts';

/** Nothing of the source is followed: it is what it is. */
export const STAY_INSIDE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
/** Directories alone are not limited; a tree like this is no configuration. */
const MAX_DIRECTORIES = 4096;
const MAX_DEPTH = 64;

const ANY_STAMP = 'directory';

function describe(parent: Fd, name: string, path: string, state: Stat): SeenEntry | undefined {
  if (isDirectory(state)) return { path, kind: 'directory', stamp: ANY_STAMP, bytes: 0 };
  if (isSymlink(state)) {
    const text = readlink(name, parent);
    return { path, kind: 'link', stamp: text, bytes: text.length };
  }
  // Sockets, FIFOs and devices are no configuration.
  if (!isRegular(state)) return undefined;
  const bytes = Number(state.size);
  return { path, kind: 'file', stamp: `${state.mtimeSec}.${state.mtimeNsec} ${bytes}`, bytes };
}

/**
 * Everything in a source, parents before children. It stops early once there is more than can be watched.
 *
 * @param source descriptor of the directory or file. Throws SysError.
 */
export function readSource(source: Fd): SeenEntry[] {
  const state = fstat(source);
  if (!isDirectory(state)) {
    if (!isRegular(state)) throw storageFailure('the source of a watchable mount is neither a directory nor a file');
    const bytes = Number(state.size);
    return [{ path: '', kind: 'file', stamp: `${state.mtimeSec}.${state.mtimeNsec} ${bytes}`, bytes }];
  }
  const seen: SeenEntry[] = [{ path: '', kind: 'directory', stamp: ANY_STAMP, bytes: 0 }];
  let contents = 0;
  const walk = (directory: Fd, prefix: string, depth: number): void => {
    for (const { name } of readDirectoryFd(directory)) {
      // One more than can be watched tells as much as all of them.
      if ((contents > 0 && seen.length > MAX_ENTRIES) || seen.length > MAX_DIRECTORIES || depth > MAX_DEPTH) return;
      try {
        const found = describe(directory, name, `${prefix}${name}`, stat(name, { at: directory, nofollow: true }));
        if (found === undefined) continue;
        seen.push(found);
        if (found.kind !== 'directory') contents += 1;
        if (found.kind !== 'directory') continue;
        using inner = openAt(directory, name, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: STAY_INSIDE });
        walk(inner, `${found.path}/`, depth + 1);
      } catch (error) {
        // It vanished meanwhile: the next look tells.
        if (!isSysError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      }
    }
  };
  using readable = openAt(source, '.', { flags: O_RDONLY | O_DIRECTORY, resolve: STAY_INSIDE });
  walk(readable, '', 0);
  return seen;
}

/** A file's content, and who owns it. */
export interface SourceFile {
  readonly content: Uint8Array;
  readonly state: Stat;
}

/** Reads a file of the source; `parent` is the directory that holds it. Throws when it is no file any more, or too large. */
export function readSourceFile(parent: Fd, path: string): SourceFile {
  using fd = openAt(parent, path, { flags: O_RDONLY | O_NONBLOCK | O_NOFOLLOW, resolve: STAY_INSIDE });
  const state = fstat(fd);
  if (!isRegular(state)) throw storageFailure(`${path} is no file any more`);
  return { content: readFdToEnd(fd, MAX_BYTES), state };
}
