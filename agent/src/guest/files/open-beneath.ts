import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../abi/constants.ts';
import { ELOOP } from '../../abi/errno.ts';
import { isSysError, SysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, isSymlink, mkdir, open, openAt, rmdir, unlink } from '../../sys/file.ts';

/** No way out and no link on the way. Mounts may be crossed. */
const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/** O_PATH descriptor of `path` below `root`; symlinks anywhere are refused with ELOOP. Throws SysError. */
export function openBeneath(root: Fd, path: string, flags = 0): Fd {
  return openAt(root, path, { flags: O_PATH | O_NOFOLLOW | flags, resolve: RESOLVE });
}

/** Something made by `ensureBeneath`, and how to take back the directories that it had to make. */
export interface Ensured extends Disposable {
  /** O_PATH descriptor of the last part. */
  readonly fd: Fd;
  /** Removes what was made, innermost first, as far as it is still empty. */
  undo(): void;
}

/**
 * Makes the directories `parts` below the directory `base`, one inside the other (mode 0755), without ever following a
 * symlink: a container may have planted one (API-08). With `lastIsFile` the last part becomes an empty file (mode 0644).
 * What exists is used as it is. Throws SysError; nothing is left then.
 */
export function ensureBeneath(base: string, parts: readonly string[], lastIsFile = false): Ensured {
  const undos: (() => void)[] = [];
  const held: Fd[] = [];
  const undo = (): void => {
    for (let step = undos.pop(); step !== undefined; step = undos.pop()) {
      try {
        step();
      } catch {
        // Not empty any more, so somebody uses it: it stays.
      }
    }
  };
  const close = (): void => held.forEach((fd) => fd.close());
  try {
    let current = open(base, O_PATH | O_DIRECTORY);
    held.push(current);
    for (const [index, part] of parts.entries()) {
      const parent = current;
      const isFile = lastIsFile && index === parts.length - 1;
      current = isFile ? ensureFile(parent, part, undos) : ensureDirectory(parent, part, undos);
      held.push(current);
    }
    return { fd: current, undo, [Symbol.dispose]: close };
  } catch (error) {
    undo();
    close();
    throw error;
  }
}

function ensureDirectory(parent: Fd, name: string, undos: (() => void)[]): Fd {
  try {
    return openBeneath(parent, name, O_DIRECTORY);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
  const failure = tryMake(() => mkdir(name, 0o755, parent));
  if (failure === undefined) undos.push(() => rmdir(name, parent));
  try {
    return openBeneath(parent, name, O_DIRECTORY);
  } catch (error) {
    // A read-only share answers mkdir with ENOSYS or EROFS; that is the reason to tell, not "missing".
    throw failure ?? error;
  }
}

function ensureFile(parent: Fd, name: string, undos: (() => void)[]): Fd {
  const failure = tryMake(() => open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644, parent).close());
  if (failure === undefined) undos.push(() => unlink(name, parent));
  try {
    const fd = openBeneath(parent, name);
    // With O_PATH and O_NOFOLLOW a link in the last place is opened itself.
    if (!isSymlink(fstat(fd))) return fd;
    fd.close();
  } catch (error) {
    throw failure ?? error;
  }
  throw new SysError('openat2', ELOOP, 'ELOOP', name);
}

/** Why something could not be made; undefined when it was. "Exists" is a reason like any other: see the callers. */
function tryMake(make: () => void): SysError | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    if (isSysError(error)) return error;
    throw error;
  }
}
