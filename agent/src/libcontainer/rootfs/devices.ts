import {
  AT_EMPTY_PATH,
  OPEN_TREE_CLONE,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_NO_MAGICLINKS,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
} from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { chown, fstat, isRegular, mknod, open, openAt, readlink, stat, symlink, unlink } from '../../sys/file.ts';
import type { Stat } from '../../sys/file.ts';
import { moveMount, openTree } from '../../sys/mount.ts';
import type { DeviceNode } from '../plan/launch-plan.ts';
import { createEntry } from './container-root.ts';
import type { ContainerRoot } from './container-root.ts';

const fileTypes = { b: S_IFBLK, c: S_IFCHR, p: S_IFIFO } as const;

/** `/dev` of the container, reached without symbolic links. */
export function openDev(root: ContainerRoot): Fd {
  return root.ensureExact('/dev');
}

function matches(found: Stat, node: DeviceNode): boolean {
  if ((found.mode & S_IFMT) !== fileTypes[node.type]) return false;
  return node.type === 'p' || (found.rdevMajor === node.major && found.rdevMinor === node.minor);
}

/** Permission bits for a node that came without: those of the same node in the guest, else none (contract, lifecycle 9.4). */
function guestMode(node: DeviceNode): number {
  try {
    const found = stat(node.path, { nofollow: true });
    return matches(found, node) ? found.mode & 0o7777 : 0;
  } catch {
    return 0;
  }
}

/** Opens the directory a device goes into, creating what is missing; no link is followed. */
function openParent(dev: Fd, names: readonly string[]): { directory: Fd; isOwn: boolean } {
  let directory = dev;
  for (const name of names) {
    const { fd } = createEntry(directory, name, 'directory');
    if (directory !== dev) directory.close();
    directory = fd;
  }
  return { directory, isOwn: directory !== dev };
}

function mustMatch(found: Stat, node: DeviceNode, what: string): void {
  if (matches(found, node)) return;
  throw new DomainError('invalid_argument', `${what} is not ${node.type} ${node.major}:${node.minor}`);
}

/**
 * In a user namespace no device can be made, only shown: the guest's own node of that path is bound on an empty file. It must
 * be the device that is asked for; its mode and owner are the guest's, whatever the spec says (as runc and crun).
 */
function bindNode(directory: Fd, name: string, node: DeviceNode): void {
  using guestRoot = open('/', O_PATH | O_DIRECTORY);
  using source = openAt(guestRoot, node.path, { flags: O_PATH, resolve: RESOLVE_NO_MAGICLINKS });
  mustMatch(fstat(source), node, `${node.path} of the guest`);
  using tree = openTree('', OPEN_TREE_CLONE | AT_EMPTY_PATH, source);
  const { fd } = createEntry(directory, name, 'file');
  using place = fd;
  const covered = fstat(place);
  if (matches(covered, node)) return;
  if (!isRegular(covered) || covered.size !== 0n) {
    throw new DomainError('invalid_argument', `${node.path} exists and is no empty file to bind the device on`);
  }
  moveMount(tree, place, '');
}

function createNode(directory: Fd, name: string, node: DeviceNode): void {
  const mode = node.mode ?? guestMode(node);
  let isNew = true;
  try {
    mknod(name, fileTypes[node.type] | mode, node.major, node.minor, directory);
  } catch (error) {
    if (!isSysError(error, 'EEXIST', 'EPERM')) throw error;
    isNew = false;
    if (isSysError(error, 'EPERM')) bindNode(directory, name, node);
  }
  // Looked at in any case: a wrong node is refused, never used and never given another owner (MNT-09).
  mustMatch(stat(name, { at: directory, nofollow: true }), node, `${node.path} exists and`);
  if (isNew && (node.uid !== 0 || node.gid !== 0)) {
    chown(name, node.uid, node.gid, { at: directory, nofollow: true });
  }
}

/** A node outside `/dev`, where links are the image's business: they are followed inside the root. */
function createElsewhere(root: ContainerRoot, node: DeviceNode): void {
  const slash = node.path.lastIndexOf('/');
  using directory = root.ensure(node.path.slice(0, slash) || '/', 'directory');
  createNode(directory, node.path.slice(slash + 1), node);
}

/** Device nodes, as a rule below `/dev`. The umask must be 0. */
export function createDevices(root: ContainerRoot, nodes: readonly DeviceNode[]): void {
  using dev = openDev(root);
  for (const node of nodes) {
    if (!node.path.startsWith('/dev/')) {
      createElsewhere(root, node);
      continue;
    }
    const names = node.path.split('/').slice(2);
    const { directory, isOwn } = openParent(dev, names.slice(0, -1));
    try {
      createNode(directory, names.at(-1) ?? '', node);
    } finally {
      if (isOwn) directory.close();
    }
  }
}

/** Links in `/dev`. One that says the same is fine; `ptmx` replaces whatever is there, others are refused. */
export function createDeviceLinks(root: ContainerRoot, links: readonly (readonly [string, string])[]): void {
  using dev = openDev(root);
  for (const [path, target] of links) {
    const name = path.slice('/dev/'.length);
    try {
      symlink(target, name, dev);
    } catch (error) {
      if (!isSysError(error, 'EEXIST')) throw error;
      if (linkTarget(name, dev) === target) continue;
      if (name !== 'ptmx') throw new DomainError('invalid_argument', `${path} exists and is not a link to ${target}`);
      unlink(name, dev);
      symlink(target, name, dev);
    }
  }
}

function linkTarget(name: string, directory: Fd): string | undefined {
  try {
    return readlink(name, directory);
  } catch {
    return undefined;
  }
}
