import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFMT,
} from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import {
  chmod,
  fchmod,
  fchown,
  fstat,
  isDirectory,
  isRegular,
  isSymlink,
  link,
  mkdir,
  mknod,
  open,
  openAt,
  readDirectoryFd,
  readlink,
  sendFile,
  symlink,
} from '../../sys/file.ts';
import type { Stat } from '../../sys/file.ts';
import { getXattr, listXattrs, setXattr } from '../../sys/xattr.ts';

/** An image may say what is copied into memory, so there is an end to it: files and folders, depth, and bytes. */
export interface CopyLimits {
  readonly entries: number;
  readonly depth: number;
  readonly bytes: number;
}

export const copyUpLimits: CopyLimits = { entries: 65_536, depth: 64, bytes: 1 << 30 };

/** Bytes per sendfile(2); the call cannot be interrupted by a deadline. */
const pieceBytes = 1 << 20;

const inside = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

/**
 * Copies the content of a directory into another, as `tmpcopyup` wants it: owners, modes, extended attributes, symbolic links
 * as they are, hard links as hard links, devices, FIFOs and sockets as nodes. Times are not kept.
 *
 * The source may be changed by others meanwhile. Every name is opened for reference, without following links and without
 * leaving the mount, and only what turns out to be a plain file is opened for reading: through that very descriptor.
 */
class TreeCopy {
  readonly #limits: CopyLimits;
  /** Where the first of several hard links went, by device and inode. */
  readonly #links = new Map<string, string>();
  readonly #destination: Fd;
  #entries = 0;
  #bytes = 0;

  constructor(destination: Fd, limits: CopyLimits) {
    this.#destination = destination;
    this.#limits = limits;
  }

  /** `path` is relative to the top and ends with a slash, or is empty. */
  copyFolder(from: Fd, to: Fd, path: string, depth: number): void {
    if (depth > this.#limits.depth) throw tooMuch(`folders deeper than ${this.#limits.depth}`);
    using reader = openAt(from, '.', { flags: O_RDONLY | O_DIRECTORY, resolve: inside });
    for (const { name } of readDirectoryFd(reader)) {
      this.#entries += 1;
      if (this.#entries > this.#limits.entries) throw tooMuch(`more than ${this.#limits.entries} files`);
      try {
        this.#copyEntry(from, to, name, path, depth);
      } catch (error) {
        // Gone between listing and opening.
        if (isSysError(error, 'ENOENT')) continue;
        throw depth === 0 ? wrapError(`copy ${path}${name}`, error) : error;
      }
    }
    copyXattrs(reader, to);
  }

  #copyEntry(from: Fd, to: Fd, name: string, path: string, depth: number): void {
    using source = openAt(from, name, { flags: O_PATH | O_NOFOLLOW, resolve: RESOLVE_BENEATH | RESOLVE_NO_XDEV });
    const stat = fstat(source);
    if (isDirectory(stat)) {
      mkdir(name, 0o700, to);
      using folder = openAt(to, name, { flags: O_RDONLY | O_DIRECTORY, resolve: inside });
      this.copyFolder(source, folder, `${path}${name}/`, depth + 1);
      setOwnerAndMode(folder, stat);
      return;
    }
    if (stat.nlink > 1 && this.#linkEarlier(stat, to, name, `${path}${name}`)) return;
    if (isSymlink(stat)) symlink(readlink('', source), name, to);
    else if (isRegular(stat)) return this.#copyFile(source, to, name, stat);
    else mknod(name, stat.mode & S_IFMT, stat.rdevMajor, stat.rdevMinor, to);
    using made = openAt(to, name, { flags: O_PATH | O_NOFOLLOW, resolve: RESOLVE_BENEATH | RESOLVE_NO_XDEV });
    fchown(made, stat.uid, stat.gid);
    if (!isSymlink(stat)) changeMode(made, stat);
  }

  /** True when another name of the same file was copied before. */
  #linkEarlier(stat: Stat, to: Fd, name: string, path: string): boolean {
    const key = `${stat.devMajor}:${stat.devMinor}:${stat.ino}`;
    const earlier = this.#links.get(key);
    if (earlier === undefined) {
      this.#links.set(key, path);
      return false;
    }
    link(earlier, name, { fromAt: this.#destination, toAt: to });
    return true;
  }

  #copyFile(source: Fd, to: Fd, name: string, stat: Stat): void {
    // The magic link leads to exactly the file that was looked at; this process still sees the guest's procfs.
    using reader = open(`/proc/self/fd/${source.number}`, O_RDONLY | O_NONBLOCK);
    using writer = openAt(to, name, { flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, resolve: inside });
    for (;;) {
      const count = sendFile(writer, reader, pieceBytes);
      if (count === 0) break;
      this.#bytes += count;
      if (this.#bytes > this.#limits.bytes) throw tooMuch(`more than ${this.#limits.bytes} bytes`);
    }
    setOwnerAndMode(writer, stat);
    // After the owner: a change of that takes file capabilities away.
    copyXattrs(reader, writer);
  }
}

function tooMuch(what: string): DomainError {
  return new DomainError('resource_exhausted', `tmpcopyup: ${what}`);
}

function setOwnerAndMode(fd: Fd, stat: Stat): void {
  fchown(fd, stat.uid, stat.gid);
  fchmod(fd, stat.mode & 0o7777);
}

/** For a node that must not be opened: chmod(2) has no form for O_PATH descriptors, the magic link stands in for it. */
function changeMode(node: Fd, stat: Stat): void {
  chmod(`/proc/self/fd/${node.number}`, stat.mode & 0o7777);
}

/** What the tmpfs takes; `trusted.overlay.*` says things about a layer and would mislead. */
function copyXattrs(from: Fd, to: Fd): void {
  for (const name of listXattrs(from)) {
    if (name.startsWith('trusted.overlay.')) continue;
    const value = getXattr(from, name);
    try {
      if (value !== undefined) setXattr(to, name, value);
    } catch (error) {
      // tmpfs has no `user.*` before Linux 6.6, and labels are set by the policy.
      if (!isSysError(error, 'EOPNOTSUPP') && !name.startsWith('security.selinux')) throw error;
    }
  }
}

/** Copies what `from` (an O_PATH directory) holds into the empty directory `to`, which gets its owner, but keeps its mode. */
export function copyTree(from: Fd, to: Fd, limits: CopyLimits = copyUpLimits): void {
  const { uid, gid } = fstat(from);
  fchown(to, uid, gid);
  using folder = openAt(to, '.', { flags: O_RDONLY | O_DIRECTORY, resolve: inside });
  new TreeCopy(folder, limits).copyFolder(from, folder, '', 0);
}
