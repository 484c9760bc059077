import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  OPEN_TREE_CLONE,
  O_DIRECTORY,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_NO_MAGICLINKS,
} from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, fstatfs, isDirectory, open, openAt } from '../../sys/file.ts';
import type { Stat } from '../../sys/file.ts';
import {
  configureFlag,
  configureString,
  createFilesystem,
  mountFilesystem,
  mountSetattr,
  moveMount,
  openFilesystem,
  openTree,
} from '../../sys/mount.ts';
import { procFilesOpenToBinds } from '../../oci/validate-mounts.ts';
import type { AttributeChange, MountOrigin, MountStep } from '../plan/launch-plan.ts';
import { propagationFlags } from './attach-root.ts';
import type { ContainerRoot } from './container-root.ts';

/** These are what later steps and the container itself trust, so no link of the image may lead them elsewhere (MNT-02, MNT-09). */
const exactDestinations: ReadonlySet<string> = new Set(['/proc', '/sys', '/dev']);
const exactTypes: ReadonlySet<string> = new Set(['proc', 'sysfs']);

function changes(change: AttributeChange): boolean {
  return change.set !== 0 || change.clear !== 0;
}

/** A detached clone of a guest path; the path is the host's word and is resolved in the guest. */
function openBind(path: string, isRecursive: boolean): { tree: Fd; isFolder: boolean; isProcfs: boolean } {
  using guestRoot = open('/', O_PATH | O_DIRECTORY);
  let found: Fd;
  try {
    found = openAt(guestRoot, path, { flags: O_PATH, resolve: RESOLVE_NO_MAGICLINKS });
  } catch (error) {
    throw wrapError(`source ${path}`, error);
  }
  using source = found;
  const isFolder = isDirectory(fstat(source));
  const isProcfs = fstatfs(source).type === PROC_SUPER_MAGIC;
  const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | (isRecursive ? AT_RECURSIVE : 0);
  return { tree: openTree('', flags, source), isFolder, isProcfs };
}

/** A new file system, not attached anywhere yet. */
function openNew(origin: Extract<MountOrigin, { kind: 'filesystem' }>, attributes: number): Fd {
  using context = openFilesystem(origin.type);
  configureString(context, 'source', origin.source);
  for (const [key, value] of origin.parameters) {
    if (value === null) configureFlag(context, key);
    else configureString(context, key, value);
  }
  createFilesystem(context);
  return mountFilesystem(context, attributes);
}

function isSame(a: Stat, b: Stat): boolean {
  return a.ino === b.ino && a.mountId === b.mountId;
}

/**
 * The place to mount on, resolved inside the root and created where it is missing. Refused: a place that covers the root, or
 * that lies on procfs without being one of the files a bind may cover (MNT-04), whatever path or link led there.
 */
function openTarget(root: ContainerRoot, step: MountStep, isFolder: boolean): Fd {
  const { destination, origin } = step;
  const isExact = exactDestinations.has(destination) || (origin.kind === 'filesystem' && exactTypes.has(origin.type));
  const target = isExact
    ? openExactFolder(root, destination)
    : root.ensure(destination, isFolder ? 'directory' : 'file');
  try {
    checkTarget(root, step, target);
    return target;
  } catch (error) {
    target.close();
    throw error;
  }
}

function openExactFolder(root: ContainerRoot, destination: string): Fd {
  try {
    const existing = root.tryOpenExact(destination, O_PATH | O_DIRECTORY);
    if (existing !== undefined) return existing;
  } catch (error) {
    if (isSysError(error, 'ELOOP', 'ENOTDIR')) {
      throw new DomainError('invalid_argument', `${destination} must be a real directory in the root`, error);
    }
    throw error;
  }
  root.ensure(destination, 'directory').close();
  return root.openExact(destination, O_PATH | O_DIRECTORY);
}

function checkTarget(root: ContainerRoot, step: MountStep, target: Fd): void {
  const { destination } = step;
  const stat = fstat(target);
  if (isSame(stat, fstat(root.fd))) {
    throw new DomainError('invalid_argument', `${destination} leads to the root of the container`);
  }
  if (destination === '/proc') return;
  if (fstatfs(target).type === PROC_SUPER_MAGIC && !procFilesOpenToBinds.has(destination)) {
    throw new DomainError('invalid_argument', `${destination} leads into /proc`);
  }
  using proc = root.tryOpenExact('/proc');
  if (proc !== undefined && isSame(stat, fstat(proc))) {
    throw new DomainError('invalid_argument', `${destination} leads to /proc`);
  }
}

/** One mount of the spec. Its source is opened, its attributes are set, and only then it becomes visible. */
export function runMountStep(root: ContainerRoot, step: MountStep): void {
  const { origin, attributes, recursiveAttributes, propagation } = step;
  let mounted: Fd;
  let isFolder = true;
  if (origin.kind === 'bind') {
    const bind = openBind(origin.path, origin.isRecursive);
    mounted = bind.tree;
    isFolder = bind.isFolder;
    if (step.destination === '/proc' && !bind.isProcfs) {
      mounted.close();
      throw new DomainError('invalid_argument', `/proc can only be covered by procfs, which ${origin.path} is not`);
    }
  } else {
    mounted = openNew(origin, (attributes.set | recursiveAttributes.set) >>> 0);
  }
  using source = mounted;
  if (origin.kind === 'bind') {
    if (changes(attributes)) mountSetattr(source, '', attributes);
    if (changes(recursiveAttributes)) mountSetattr(source, '', { ...recursiveAttributes, recursive: true });
  }
  using target = openTarget(root, step, isFolder);
  moveMount(source, target, '');
  if (propagation !== undefined) {
    mountSetattr(source, '', { propagation: propagationFlags[propagation.kind], recursive: propagation.isRecursive });
  }
}
