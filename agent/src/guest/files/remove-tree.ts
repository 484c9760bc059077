import {
  DT_DIR,
  DT_UNKNOWN,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { openAt, readDirectoryFd, rmdir, unlink, type DirectoryEntry } from '../../sys/file.ts';

/**
 * How deep a tree may be. Each level holds a descriptor; the trees that we delete are our own and shallow, so a deeper one
 * is not what we take it for.
 */
const MAX_DEPTH = 128;

/** Stays on one file system *mount* and follows nothing (LIV-14). */
const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

/**
 * Deletes everything inside a directory that we made ourselves, by descriptors only.
 *
 * It never crosses a mount and never follows a link: a mounted share's content survives, and so do the directories that
 * lead to it. May block on a slow file system: offload it where that can be.
 *
 * @param directory readable descriptor of the directory; it stays.
 * @returns paths, relative to it, that are still there and why; empty when all is gone.
 */
export function removeTreeWithin(directory: Fd): string[] {
  const left: string[] = [];
  removeEntries(directory, '', 0, left);
  return left;
}

/**
 * Deletes `name` inside `parent` with all that it holds, under the rules of `removeTreeWithin`. A name that does not exist
 * is fine.
 */
export function removeTreeAt(parent: Fd, name: string): string[] {
  const left: string[] = [];
  removeEntry(parent, { name, type: DT_UNKNOWN, ino: 0n }, '', 0, left);
  return left;
}

function removeEntries(directory: Fd, path: string, depth: number, left: string[]): void {
  for (const entry of readDirectoryFd(directory)) removeEntry(directory, entry, path, depth, left);
}

function removeEntry(parent: Fd, entry: DirectoryEntry, path: string, depth: number, left: string[]): void {
  const entryPath = path === '' ? entry.name : `${path}/${entry.name}`;
  try {
    if (entry.type !== DT_DIR && removeFile(parent, entry)) return;
    if (depth === MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} levels`);
    const before = left.length;
    {
      using directory = openAt(parent, entry.name, {
        flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
        resolve: RESOLVE,
      });
      removeEntries(directory, entryPath, depth + 1, left);
    }
    if (left.length === before) rmdir(entry.name, parent);
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return;
    left.push(`${entryPath}: ${isSysError(error, 'EXDEV') ? 'is a mount point' : describe(error)}`);
  }
}

/** False when it is a directory after all (file systems need not tell). */
function removeFile(parent: Fd, entry: DirectoryEntry): boolean {
  try {
    unlink(entry.name, parent);
    return true;
  } catch (error) {
    // Linux answers EISDIR for a directory; POSIX and some FUSE servers answer EPERM.
    if (isSysError(error, 'EISDIR') || (entry.type === DT_UNKNOWN && isSysError(error, 'EPERM'))) return false;
    throw error;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
