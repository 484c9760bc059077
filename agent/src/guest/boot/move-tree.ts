import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } from '../../abi/constants.ts';
import type { Fd } from '../../sys/fd.ts';
import {
  chmod,
  chown,
  fchmod,
  fchown,
  isDirectory,
  isRegular,
  isSocket,
  isSymlink,
  link,
  mkdir,
  mknod,
  open,
  read,
  readDirectoryFd,
  readlink,
  rmdir,
  stat,
  symlink,
  unlink,
  writeAll,
  type Stat,
} from '../../sys/file.ts';

/** Copied at once; large enough that the number of calls does not matter. */
const CHUNK_BYTES = 256 << 10;

export interface MoveTreeOptions {
  /** Absolute path of a directory at the top that stays where it is, e.g. the one that the target is mounted on. */
  readonly except: string;
  /** True for what is deleted instead of moved; a directory must be empty. */
  readonly isDropped: (path: string, state: Stat) => boolean;
}

/**
 * Moves all files of `from` into the directory `to` of another file system: each is copied, then deleted, so the cost in
 * memory is never more than one file. Modes, owners, links and device nodes are kept; times are not.
 *
 * Only for the initial ramfs, before anybody else exists: it walks by name below open directories.
 */
export class TreeMover {
  readonly #options: MoveTreeOptions;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  /** New places of files with several names, by inode number. */
  readonly #moved = new Map<string, string>();
  #fileCount = 0;
  #byteCount = 0;

  constructor(options: MoveTreeOptions) {
    this.#options = options;
  }

  get fileCount(): number {
    return this.#fileCount;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /**
   * @param from readable descriptor of the directory `path` of the old root.
   * @param to descriptor of the same directory of the new root.
   * @param newRoot descriptor of the new root itself.
   */
  moveContents(from: Fd, to: Fd, newRoot: Fd, path = ''): void {
    for (const { name } of readDirectoryFd(from)) {
      const childPath = `${path}/${name}`;
      if (childPath !== this.#options.except) this.#moveOne(from, to, newRoot, name, childPath);
    }
  }

  #moveOne(from: Fd, to: Fd, newRoot: Fd, name: string, path: string): void {
    const state = stat(name, { at: from, nofollow: true });
    if (this.#options.isDropped(path, state)) {
      if (isDirectory(state)) rmdir(name, from);
      else unlink(name, from);
      return;
    }
    this.#fileCount += 1;
    if (isDirectory(state)) {
      mkdir(name, 0o700, to);
      {
        using source = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, from);
        using target = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, to);
        this.moveContents(source, target, newRoot, path);
        fchown(target, state.uid, state.gid);
        fchmod(target, state.mode & 0o7777);
      }
      rmdir(name, from);
      return;
    }
    const known = state.nlink > 1 ? this.#moved.get(String(state.ino)) : undefined;
    if (known !== undefined) link(known, name, { fromAt: newRoot, toAt: to });
    else if (!isSocket(state)) this.#copy(from, to, name, state);
    if (state.nlink > 1) this.#moved.set(String(state.ino), path.slice(1));
    unlink(name, from);
  }

  #copy(from: Fd, to: Fd, name: string, state: Stat): void {
    if (isRegular(state)) {
      this.#copyFile(from, to, name, state);
    } else if (isSymlink(state)) {
      symlink(readlink(name, from), name, to);
      chown(name, state.uid, state.gid, { at: to, nofollow: true });
    } else {
      mknod(name, state.mode, state.rdevMajor, state.rdevMinor, to);
      chown(name, state.uid, state.gid, { at: to, nofollow: true });
      chmod(name, state.mode & 0o7777, to);
    }
  }

  #copyFile(from: Fd, to: Fd, name: string, state: Stat): void {
    using source = open(name, O_RDONLY | O_NOFOLLOW, 0, from);
    using target = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600, to);
    for (let count = read(source, this.#buffer); count > 0; count = read(source, this.#buffer)) {
      writeAll(target, this.#buffer.subarray(0, count));
      this.#byteCount += count;
    }
    fchown(target, state.uid, state.gid);
    fchmod(target, state.mode & 0o7777);
  }
}
