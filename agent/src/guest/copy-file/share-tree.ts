/**
 * The files of the share, as CopyFile makes them. Everything here runs in a child (`sys/offload.ts`), which may hang on a share
 * and keeps no descriptor.
 *
 * Containers have parts of the share mounted, some for writing, so nothing found there is trusted: a parent is looked up with the
 * share as root, so that no link leads out of it, and from then on only its descriptor is used; the last name is never followed.
 */
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RENAME_EXCHANGE,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import {
  chown,
  fchmod,
  fchown,
  fstat,
  isRegular,
  mkdir,
  mkdirAll,
  open,
  openAt,
  pwrite,
  rename,
  symlink,
  unlink,
} from '../../sys/file.ts';
import { umask } from '../../sys/process.ts';
import { removeTreeAt } from '../files/remove-tree.ts';
import { SHARE, type CopyTarget } from './copy-request.ts';

/** Links are taken relative to the share, as are absolute ones; none leads out of it (openat2(2)). */
const IN_SHARE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
const LAST_NAME = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/** Which file a staging name means, to notice another one in its place. Texts: the result crosses a pipe as JSON. */
export interface FileIdentity {
  readonly device: string;
  readonly inode: string;
}

/** A file that is being received, under a name of its own beside its target. */
export interface Staged {
  readonly name: string;
  readonly identity: FileIdentity;
}

function openRoot(): Fd {
  mkdirAll(SHARE);
  return open(SHARE, O_PATH | O_DIRECTORY);
}

function openDirectory(root: Fd, names: readonly string[]): Fd {
  const path = names.length === 0 ? '.' : names.join('/');
  return openAt(root, path, { flags: O_PATH | O_DIRECTORY, resolve: IN_SHARE });
}

/** The directory that holds the last name. */
function findParent(names: readonly string[]): Fd {
  using root = openRoot();
  return openDirectory(root, names.slice(0, -1));
}

/** The same; what is missing on the way is made, and the directory gets the owner of what it will hold (contract storage 10). */
function ensureParent(target: CopyTarget): Fd {
  using root = openRoot();
  const parents = target.names.slice(0, -1);
  return ensureDirectory(root, parents, target.directoryMode).prepared((parent) => {
    // Not the share's own root: it belongs to all containers.
    if (parents.length > 0) fchown(parent, target.uid, target.gid);
  });
}

function ensureDirectory(root: Fd, names: readonly string[], mode: number): Fd {
  try {
    return openDirectory(root, names);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
  umask(0o022);
  let current = openDirectory(root, []);
  for (let count = 1; count <= names.length; count++) {
    try {
      mkdir(names[count - 1] ?? '', mode, current);
    } catch (error) {
      if (!isSysError(error, 'EEXIST')) throw error;
    }
    current.close();
    // From the root again: an existing part may be a link, and a dangling one is an error here.
    current = openDirectory(root, names.slice(0, count));
  }
  return current;
}

function lastName(target: Pick<CopyTarget, 'names'>): string {
  return target.names.at(-1) ?? '';
}

/** Puts a finished entry in the place of whatever is there, in one step. */
function replace(parent: Fd, staging: string, name: string): void {
  const at = { fromAt: parent, toAt: parent };
  try {
    rename(staging, name, at);
    return;
  } catch (error) {
    // A directory is there.
    if (!isSysError(error, 'EISDIR', 'EEXIST', 'ENOTEMPTY')) throw error;
  }
  rename(staging, name, { ...at, flags: RENAME_EXCHANGE });
  const left = removeTreeAt(parent, staging);
  if (left.length > 0) throw new DomainError('internal', `the old ${name} is not all gone: ${left.join(', ')}`);
}

function tryUnlink(name: string, parent: Fd): void {
  try {
    unlink(name, parent);
  } catch {
    // Never made, or in its place already.
  }
}

/** Makes a directory, or gives an existing one mode and owner; what it holds stays. Anything else in its place goes. */
export function putDirectory(target: CopyTarget): void {
  using parent = ensureParent(target);
  const name = lastName(target);
  using directory = openOrMakeDirectory(parent, name);
  fchown(directory, target.uid, target.gid);
  // After the owner: chown(2) clears set-id bits.
  fchmod(directory, target.mode);
}

function openOrMakeDirectory(parent: Fd, name: string): Fd {
  const openIt = (): Fd => openAt(parent, name, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: LAST_NAME });
  try {
    mkdir(name, 0o700, parent);
    return openIt();
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
  }
  try {
    return openIt();
  } catch (error) {
    if (!isSysError(error, 'ENOTDIR', 'ELOOP')) throw error;
  }
  unlink(name, parent);
  mkdir(name, 0o700, parent);
  return openIt();
}

/** Makes a symbolic link in the place of whatever is there. `staging` is a name nobody else has. */
export function putSymlink(target: CopyTarget, link: Uint8Array, staging: string): void {
  using parent = ensureParent(target);
  try {
    symlink(link, staging, parent);
    chown(staging, target.uid, target.gid, { at: parent, nofollow: true });
    replace(parent, staging, lastName(target));
  } catch (error) {
    tryUnlink(staging, parent);
    throw error;
  }
}

/** Begins a file under the name `staging`, with its first bytes; with `isComplete` puts it in its place too. */
export function beginFile(target: CopyTarget, staging: string, data: Uint8Array, isComplete: boolean): FileIdentity {
  using parent = ensureParent(target);
  try {
    using file = openAt(parent, staging, {
      flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
      mode: 0o600,
      resolve: LAST_NAME,
    });
    writeAt(file, data, 0);
    if (isComplete) finish(parent, file, target, staging, data.length);
    return identify(file);
  } catch (error) {
    tryUnlink(staging, parent);
    throw error;
  }
}

/** Adds bytes to a file begun earlier; with `finalSize` it is put in its place. */
export function continueFile(
  target: CopyTarget,
  staged: Staged,
  data: Uint8Array,
  offset: number,
  finalSize: number | undefined,
): void {
  using parent = findParent(target.names);
  using file = openAt(parent, staged.name, { flags: O_WRONLY | O_NOFOLLOW | O_NONBLOCK, resolve: LAST_NAME });
  const found = identify(file);
  const isOurs = found.device === staged.identity.device && found.inode === staged.identity.inode;
  // A container that can write here may have put another file, or a second name of one, in its place.
  if (!isOurs || fstat(file).nlink !== 1)
    throw new DomainError('internal', `upload of ${target.names.join('/')}: its file was exchanged`);
  writeAt(file, data, offset);
  if (finalSize !== undefined) finish(parent, file, target, staged.name, finalSize);
}

/** Removes a file begun earlier. Never fails: what cannot be reached now is not ours any more. */
export function discardFile(names: readonly string[], staging: string): void {
  try {
    using parent = findParent(names);
    tryUnlink(staging, parent);
  } catch {
    // The directory went away with it.
  }
}

function identify(file: Fd): FileIdentity {
  const found = fstat(file);
  if (!isRegular(found)) throw new DomainError('internal', `${file.what} is no regular file`);
  return { device: `${found.devMajor}:${found.devMinor}`, inode: String(found.ino) };
}

function finish(parent: Fd, file: Fd, target: CopyTarget, staging: string, size: number): void {
  const found = fstat(file);
  if (found.size !== BigInt(size))
    throw new DomainError('internal', `${target.names.join('/')} has ${found.size} bytes instead of ${size}`);
  fchown(file, target.uid, target.gid);
  // After the owner: chown(2) clears set-id bits.
  fchmod(file, target.mode);
  replace(parent, staging, lastName(target));
}

function writeAt(file: Fd, data: Uint8Array, offset: number): void {
  for (let done = 0; done < data.length;) done += pwrite(file, data.subarray(done), offset + done);
}
