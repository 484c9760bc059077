import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  CGROUP2_SUPER_MAGIC,
  CGROUP_SUPER_MAGIC,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLONE,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_NO_MAGICLINKS,
  SYSFS_MAGIC,
} from '../../abi/constants.ts';
import { wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { fstat, isDirectory, isSymlink, open, openAt, readlink } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import {
  configureFlag,
  configureString,
  createFilesystem,
  mountFilesystem,
  openFilesystem,
  openTree,
} from '../../sys/mount.ts';
import type { BindOrigin, FilesystemOrigin } from '../plan/launch-plan.ts';

/** A mount that is attached nowhere yet. */
export interface MountSource {
  readonly tree: Fd;
  readonly isFolder: boolean;
  readonly isProcfs: boolean;
  /** A part of sysfs or of the cgroup tree, below which other cgroup mounts may lie. */
  readonly isSystem: boolean;
}

const systemTypes: ReadonlySet<number> = new Set([SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC]);

/** Says what a detached tree is. The path counts for `/sys/fs/cgroup`, a tmpfs where cgroup v1 is in use. */
export function describeTree(tree: Fd, path: string): MountSource {
  const { type } = fstatfs(tree);
  return {
    tree,
    isFolder: isDirectory(fstat(tree)),
    isProcfs: type === PROC_SUPER_MAGIC,
    isSystem: systemTypes.has(type) || path === '/sys' || path.startsWith('/sys/'),
  };
}

/** The source of a bind for reference; the path is the host's word and is resolved in the guest. */
function openGuestPath(path: string, link: BindOrigin['link']): Fd {
  using guestRoot = open('/', O_PATH | O_DIRECTORY);
  try {
    const flags = O_PATH | (link === undefined ? 0 : O_NOFOLLOW);
    return openAt(guestRoot, path, { flags, resolve: RESOLVE_NO_MAGICLINKS });
  } catch (error) {
    throw wrapError(`source ${path}`, error);
  }
}

/** The target of a source that is a symbolic link, for `copy-symlink`; undefined for any other file. */
export function readSourceLink(origin: BindOrigin): string | undefined {
  if (origin.link !== 'copy') return undefined;
  using source = openGuestPath(origin.path, 'copy');
  return isSymlink(fstat(source)) ? readlink('', source) : undefined;
}

/** A detached clone of a guest path. */
export function cloneGuestPath(origin: BindOrigin): Fd {
  using source = openGuestPath(origin.path, origin.link);
  const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | (origin.isRecursive ? AT_RECURSIVE : 0);
  return openTree('', flags, source);
}

/** The mount of a bind: what the parent opened when it has an id map, else what this process finds at the path. */
export function openBind(origin: BindOrigin): MountSource {
  const { opened, path } = origin;
  if (opened?.isMapped === true) return describeTree(new Fd(opened.descriptor, path), path);
  try {
    const tree = cloneGuestPath(origin);
    if (opened !== undefined) new Fd(opened.descriptor, path).close();
    return describeTree(tree, path);
  } catch (error) {
    // The root of a user namespace cannot enter other people's folders, nor bind less than what is locked together. Its own
    // view comes first all the same, because flags of the guest's mounts (`ro`) are locked in that.
    if (opened === undefined || !isSysError(rootCause(error), 'EACCES', 'EINVAL')) throw error;
    return describeTree(new Fd(opened.descriptor, path), path);
  }
}

function rootCause(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && current.cause !== undefined) current = current.cause;
  return current;
}

/** A new file system. `mode` counts for a tmpfs that says nothing about its own. */
export function openNew(origin: FilesystemOrigin, attributes: number, mode: number | undefined): MountSource {
  using context = openFilesystem(origin.type);
  configureString(context, 'source', origin.source);
  for (const [key, value] of origin.parameters) {
    if (value === null) configureFlag(context, key);
    else configureString(context, key, value);
  }
  if (mode !== undefined) configureString(context, 'mode', mode.toString(8));
  createFilesystem(context);
  const isProcfs = origin.type === 'proc';
  return { tree: mountFilesystem(context, attributes), isFolder: true, isProcfs, isSystem: false };
}

/** `openNew`, or the fallback where a user namespace is not allowed to make the file system. */
export function openNewOrFallback(origin: FilesystemOrigin, attributes: number, mode: number | undefined): MountSource {
  try {
    return openNew(origin, attributes, mode);
  } catch (error) {
    if (origin.fallback === undefined || !isSysError(error, 'EPERM', 'EBUSY')) throw error;
    return openBind(origin.fallback);
  }
}

/** Flags that bind what is mounted below, too: nobody who asks for a read-only `/sys` wants writable cgroups (CVE-2023-25809). */
export function subtreeFlags(source: MountSource, set: number): number {
  return source.isSystem ? set & MOUNT_ATTR_RDONLY : 0;
}
