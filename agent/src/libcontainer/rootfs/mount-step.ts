import { MOUNT_ATTR_RDONLY, O_DIRECTORY, O_PATH, O_RDONLY } from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, openAt, readlink, symlink } from '../../sys/file.ts';
import { mountSetattr, moveMount } from '../../sys/mount.ts';
import { setXattr } from '../../sys/xattr.ts';
import type { AttributeChange, FilesystemOrigin, MountStep } from '../plan/launch-plan.ts';
import { propagationFlags } from './attach-root.ts';
import type { ContainerRoot } from './container-root.ts';
import { copyTree } from './copy-up.ts';
import { openBind, openNewOrFallback, readSourceLink, subtreeFlags } from './mount-source.ts';
import type { MountSource } from './mount-source.ts';
import { checkTarget, openTarget } from './mount-target.ts';

function setAttributes(mount: Fd, change: AttributeChange, recursive: boolean): void {
  if (change.set === 0 && change.clear === 0) return;
  try {
    mountSetattr(mount, '', { ...change, recursive });
  } catch (error) {
    // Not loosened in silence: what was asked for holds or the launch fails (MNT-14).
    if (!isSysError(error, 'EPERM')) throw error;
    throw wrapError('a flag of the mount is locked, because it comes from outside the user namespace', error);
  }
}

/** Flags and propagation of a mount that is, or is about to be, in place. */
function applyAttributes(source: MountSource, step: MountStep): void {
  const { attributes, recursiveAttributes } = step;
  const below = subtreeFlags(source, attributes.set);
  setAttributes(source.tree, attributes, false);
  setAttributes(source.tree, { ...recursiveAttributes, set: recursiveAttributes.set | below }, true);
}

function applyPropagation(mount: Fd, step: MountStep): void {
  const { propagation } = step;
  if (propagation === undefined) return;
  mountSetattr(mount, '', { propagation: propagationFlags[propagation.kind], recursive: propagation.isRecursive });
}

/** A tmpfs that does not say so keeps the mode of the directory it covers (as runc); a directory made for it has none to keep. */
function coveredMode(root: ContainerRoot, step: MountStep, origin: FilesystemOrigin): number | undefined {
  if (origin.type !== 'tmpfs' || origin.parameters.some(([name]) => name === 'mode')) return undefined;
  using covered = root.tryOpen(step.destination);
  return covered === undefined ? undefined : fstat(covered).mode & 0o7777;
}

/** Makes a mount visible. */
function attach(root: ContainerRoot, step: MountStep, tree: Fd, isProcfs: boolean, target: Fd): void {
  moveMount(tree, target, '');
  if (step.destination === '/proc' && isProcfs) root.hasProcfs = true;
  applyPropagation(tree, step);
}

/** The kernel's own form has the zero byte (selinuxfs and xattr(7) of `security.selinux`). */
function labelRoot(tree: Fd, label: string): void {
  using folder = openAt(tree, '.', { flags: O_RDONLY | O_DIRECTORY, resolve: 0 });
  setXattr(folder, 'security.selinux', encodeBytes(`${label}\0`));
}

function mountFilesystem(root: ContainerRoot, step: MountStep, origin: FilesystemOrigin): void {
  const mode = coveredMode(root, step, origin);
  using target = openTarget(root, step, true);
  const { attributes, recursiveAttributes } = step;
  // As for a bind, where they are set later, those for the subtree win.
  const flags = ((attributes.set & ~recursiveAttributes.clear) | recursiveAttributes.set) >>> 0;
  const copies = origin.copiesUp === true;
  // Nothing can be copied into a read-only mount; it becomes one before anybody sees it.
  const source = openNewOrFallback(origin, copies ? flags & ~MOUNT_ATTR_RDONLY : flags, mode);
  using tree = source.tree;
  if (origin.label !== undefined) labelRoot(tree, origin.label);
  if (copies) {
    copyTree(target, tree);
    setAttributes(tree, { set: flags & MOUNT_ATTR_RDONLY, clear: 0 }, false);
  }
  // The fallback is a bind, whose flags are its own.
  if (source.isSystem) applyAttributes(source, { ...step, recursiveAttributes: { set: flags, clear: 0 } });
  attach(root, step, tree, source.isProcfs, target);
}

function mountBind(root: ContainerRoot, step: MountStep, source: MountSource, path: string): void {
  using tree = source.tree;
  if (step.destination === '/proc' && !source.isProcfs) {
    throw new DomainError('invalid_argument', `/proc can only be covered by procfs, which ${path} is not`);
  }
  applyAttributes(source, step);
  using target = openTarget(root, step, source.isFolder);
  attach(root, step, tree, source.isProcfs, target);
}

/** `copy-symlink`: the link itself, in a directory that is made when missing. One that says the same is fine. */
function createLink(root: ContainerRoot, destination: string, text: string): void {
  const slash = destination.lastIndexOf('/');
  const name = destination.slice(slash + 1);
  using parent = root.ensure(destination.slice(0, slash) || '/', 'directory');
  // The root itself is a fine parent, so only the name is looked at as a destination.
  if (slash > 0) checkTarget(root, destination, parent);
  try {
    symlink(text, name, parent);
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
    if (existingLink(parent, name) === text) return;
    throw new DomainError('invalid_argument', `${destination} exists and is not a link to ${text}`, error);
  }
}

function existingLink(parent: Fd, name: string): string | undefined {
  try {
    return readlink(name, parent);
  } catch {
    return undefined;
  }
}

/** New flags for a mount that is there already; a path that is no mount point is refused by the kernel. */
function remount(root: ContainerRoot, step: MountStep): void {
  using place = root.open(step.destination, O_PATH);
  checkTarget(root, step.destination, place);
  try {
    setAttributes(place, step.attributes, false);
    setAttributes(place, step.recursiveAttributes, true);
    applyPropagation(place, step);
  } catch (error) {
    if (!isSysError(error, 'EINVAL')) throw error;
    throw new DomainError('invalid_argument', `nothing is mounted on ${step.destination}`, error);
  }
}

/** One mount of the spec. Its source is opened, its attributes are set, and only then it becomes visible. */
export function runMountStep(root: ContainerRoot, step: MountStep): void {
  const { origin } = step;
  switch (origin.kind) {
    case 'remount':
      return remount(root, step);
    case 'filesystem':
      return mountFilesystem(root, step, origin);
    case 'bind': {
      const link = readSourceLink(origin);
      if (link !== undefined) return createLink(root, step.destination, link);
      return mountBind(root, step, openBind(origin), origin.path);
    }
  }
}
