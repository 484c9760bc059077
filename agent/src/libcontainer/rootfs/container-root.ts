import {
  O_DIRECTORY,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFREG,
} from '../../abi/constants.ts';
import { EEXIST, ELOOP, ENOENT } from '../../abi/errno.ts';
import { DomainError } from '../../base/errors.ts';
import { SysError, isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, isDirectory, mkdir, mknod, open, openAt, readlink, tryOpenAt } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import type { Stat } from '../../sys/file.ts';
import { fchdir, getcwd } from '../../sys/process.ts';

/** Symbolic links followed while creating one path; the kernel's own limit (path_resolution(7)). */
const maxLinks = 40;

export type EntryKind = 'directory' | 'file';

/** Names a file as long as it is held open. */
export interface FileIdentity {
  readonly ino: bigint;
  /** The mount that it was reached through. */
  readonly mountId: bigint;
}

/** The same file on the same mount. */
export function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.mountId === b.mountId;
}

/**
 * The container's root directory by descriptor. Every path of the container is resolved from it by the kernel
 * (RESOLVE_IN_ROOT), never joined as text and never through a magic link; what one call resolved, the next one uses by
 * descriptor, so nothing can be swapped in between.
 */
export class ContainerRoot {
  readonly fd: Fd;
  readonly #created: string[] = [];
  #identity: FileIdentity | undefined;
  /** A procfs of ours lies on `/proc`, and what lies on that is recognised by its type. */
  hasProcfs = false;

  constructor(fd: Fd) {
    this.fd = fd;
  }

  /** Of the root directory itself, which does not change as long as it is held. */
  get identity(): FileIdentity {
    if (this.#identity === undefined) {
      const { ino, mountId } = fstat(this.fd);
      this.#identity = { ino, mountId };
    }
    return this.#identity;
  }

  /** What was created on the root's own file system, in that order; the agent takes it away when the launch fails (MNT-10). */
  get created(): readonly string[] {
    return this.#created;
  }

  /** Resolves a path; symbolic links are followed inside the root. The result is for reference only unless `flags` say more. */
  open(path: string, flags: number = O_PATH): Fd {
    return openAt(this.fd, path, { flags, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
  }

  /** The same, refusing every symbolic link on the way (ELOOP). */
  openExact(path: string, flags: number = O_PATH): Fd {
    return openAt(this.fd, path, { flags, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS });
  }

  /** `openExact`, or undefined when the path does not exist. */
  tryOpenExact(path: string, flags: number = O_PATH): Fd | undefined {
    return tryOpenAt(this.fd, path, { flags, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS });
  }

  /**
   * Opens `path` for reference, creating what is missing: directories with mode 0755, and a plain empty file at the end for
   * `file`. Nothing that exists is opened for I/O, truncated or changed. What a dangling symbolic link points to is created
   * inside the root (images link `/etc/resolv.conf` into an empty `/run`).
   */
  ensure(path: string, kind: EntryKind): Fd {
    return this.ensureKnown(path, kind).fd;
  }

  /** `ensure`, with what statx(2) says of the place. */
  ensureKnown(path: string, kind: EntryKind): { readonly fd: Fd; readonly stat: Stat } {
    const fd = this.#ensure(path, kind, 0);
    return { fd, stat: requireKind(fd, path, kind) };
  }

  #ensure(path: string, kind: EntryKind, links: number): Fd {
    const existing = this.tryOpen(path);
    if (existing !== undefined) return existing;
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    const { parent, depth } = this.#deepestExisting(names);
    return this.#create(parent, names, depth, kind, links);
  }

  /** `open`, or undefined when the path does not exist. */
  tryOpen(path: string, flags: number = O_PATH): Fd | undefined {
    return tryOpenAt(this.fd, path, { flags, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
  }

  /**
   * `ensure` for a directory that no link may lead to: what later steps and the container itself trust (MNT-02, MNT-09). A link,
   * or anything else in its place, is refused before a thing is created.
   */
  ensureExact(path: string): Fd {
    try {
      const existing = this.tryOpenExact(path, O_PATH | O_DIRECTORY);
      if (existing !== undefined) return existing;
      this.ensure(path, 'directory').close();
      return this.openExact(path, O_PATH | O_DIRECTORY);
    } catch (error) {
      if (!isSysError(error, 'ELOOP', 'ENOTDIR')) throw error;
      throw new DomainError('invalid_argument', `${path} must be a real directory in the root`, error);
    }
  }

  #deepestExisting(names: readonly string[]): { parent: Fd; depth: number } {
    for (let depth = names.length - 1; depth >= 0; depth--) {
      const parent = this.tryOpen(`/${names.slice(0, depth).join('/')}`);
      if (parent !== undefined) return { parent, depth };
    }
    throw new SysError('openat2', ENOENT, 'ENOENT', `/${names.join('/')}`);
  }

  #create(start: Fd, names: readonly string[], depth: number, kind: EntryKind, links: number): Fd {
    let parent = start;
    for (let index = depth; index < names.length; index++) {
      using previous = parent;
      const name = names[index] ?? '';
      if (name === '..') throw new DomainError('invalid_argument', `/${names.join('/')}: .. after a missing directory`);
      const entry = tryCreateEntry(previous, name, index === names.length - 1 ? kind : 'directory');
      if (entry === undefined) {
        // The text of a magic link is no path; it must not become one (EXE-02).
        if (links >= maxLinks || fstatfs(previous).type === PROC_SUPER_MAGIC)
          throw new SysError('openat2', ELOOP, 'ELOOP', `/${names.join('/')}`);
        // Not shortened as text: the kernel walks the names before the link, and the root bounds it all.
        const target = tryReadlink(name, previous);
        // Somebody changes the tree meanwhile: what the name is now is looked up anew, as often as links are followed.
        if (target === undefined) return this.#ensure(`/${names.join('/')}`, kind, links + 1);
        const start = target.startsWith('/') ? '' : `/${names.slice(0, index).join('/')}/`;
        return this.#ensure([start + target, ...names.slice(index + 1)].join('/'), kind, links + 1);
      }
      // Names on other mounts go away with those, or are not ours to take away.
      if (entry.isNew && fstat(previous).mountId === this.identity.mountId) this.#record(previous, name);
      parent = entry.fd;
    }
    return parent;
  }

  /** Notes a name by its real path, whatever links led to it: the agent removes it without following any. */
  #record(parent: Fd, name: string): void {
    using here = open('.', O_PATH | O_DIRECTORY);
    try {
      const own = pathOf(this.fd).replace(/\/$/, '');
      const path = pathOf(parent).replace(/\/$/, '');
      if (path === own || path.startsWith(`${own}/`)) this.#created.push(`${path.slice(own.length)}/${name}`);
    } finally {
      fchdir(here);
    }
  }
}

/** The path of a directory as this process sees it. Without procfs, which may be the image's by now. */
function pathOf(directory: Fd): string {
  fchdir(directory);
  return getcwd();
}

/** The text of a link; undefined when the name is none any more. */
function tryReadlink(name: string, parent: Fd): string | undefined {
  try {
    return readlink(name, parent);
  } catch (error) {
    if (isSysError(error, 'EINVAL', 'ENOENT')) return undefined;
    throw error;
  }
}

/** `createEntry`, or undefined when a symbolic link has the name. */
function tryCreateEntry(parent: Fd, name: string, kind: EntryKind): ReturnType<typeof createEntry> | undefined {
  try {
    return createEntry(parent, name, kind);
  } catch (error) {
    if (isSysError(error, 'ELOOP')) return undefined;
    throw error;
  }
}

/** Creates one name in a directory and opens exactly that; an existing one is opened, a symbolic link refused. */
export function createEntry(parent: Fd, name: string, kind: EntryKind): { readonly fd: Fd; readonly isNew: boolean } {
  let isNew = true;
  try {
    // mknod makes an empty file without opening anything that might be there.
    if (kind === 'directory') mkdir(name, 0o755, parent);
    else mknod(name, S_IFREG | 0o644, 0, 0, parent);
  } catch (error) {
    if (!isSysError(error) || error.errno !== EEXIST) throw error;
    isNew = false;
  }
  const flags = O_PATH | (kind === 'directory' ? O_DIRECTORY : 0);
  return { fd: openAt(parent, name, { flags, resolve: RESOLVE_NO_SYMLINKS }), isNew };
}

/** What statx(2) says of a descriptor, which is closed when it is of another kind. */
function requireKind(fd: Fd, path: string, kind: EntryKind): Stat {
  const stat = fstat(fd);
  const isFolder = isDirectory(stat);
  if (isFolder === (kind === 'directory')) return stat;
  fd.close();
  throw new DomainError('invalid_argument', `${path} is ${isFolder ? 'a directory' : 'not a directory'}`);
}
