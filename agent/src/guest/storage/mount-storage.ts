import { isSysError, SysError } from '../../base/sys-error.ts';
import { parseMountOptions } from '../../codec/mount-options.ts';
import { exists, fstat, isDirectory, mkdirAll, stat } from '../../sys/file.ts';
import { mount } from '../../sys/mount.ts';
import type { Fd } from '../../sys/fd.ts';
import { ensureBeneath, openBeneath, type Ensured } from '../files/open-beneath.ts';
import { applyFsGroup } from './fs-group.ts';
import type { MountPoint } from './mount-point.ts';
import { releaseMount } from './release-mount.ts';
import { storageFailure } from './storage-error.ts';
import type { CheckedStorage, FsGroup, Storage, StorageContext } from './storage.ts';

/** What is mounted, after a driver has worked out the details. */
export interface MountRequest {
  readonly source: string;
  readonly fstype: string;
  readonly options: readonly string[];
  readonly target: MountPoint;
  readonly fsGroup?: FsGroup | undefined;
}

/** Checks that need no side effect: the three texts that a mount needs, and the options. Throws. */
export function checkMount(storage: Pick<Storage, 'source' | 'mountPoint' | 'fstype' | 'options'>): void {
  if (storage.source === '') throw storageFailure('need mount source');
  if (storage.mountPoint === '') throw storageFailure('need mount destination');
  if (storage.fstype === '') throw storageFailure('need mount FS type');
  parseMountOptions(storage.options);
}

/** Makes the place for a mount; the base exists on every guest. A file when a file is to be bound there. */
export function ensureTarget(target: MountPoint, isFile = false): Ensured {
  mkdirAll(target.base);
  return ensureBeneath(target.base, target.parts, isFile);
}

/** mount(2) on an open directory: whatever happens to its path meanwhile, this is where it goes. */
export function mountOn(place: Fd, request: MountRequest): void {
  const { flags, data } = parseMountOptions(request.options);
  try {
    mount(request.source, `/proc/self/fd/${place.number}`, request.fstype, flags, data);
  } catch (error) {
    if (!isSysError(error)) throw error;
    // The number of a descriptor tells nobody anything.
    const subject = `${request.source} on ${request.target.path} (${request.fstype})`;
    throw new SysError(error.call, error.errno, error.code, subject);
  }
}

/** The place again, now reached through what is mounted there. */
export function openMounted(target: MountPoint): Fd {
  using base = ensureBeneath(target.base, []);
  return openBeneath(base.fd, target.parts.join('/'));
}

/** Options that name things by descriptor. */
export interface OpenedOptions extends Disposable {
  readonly options: readonly string[];
}

/** Extra work of a driver around its mount; straight-line, it runs in the child. */
export interface MountHooks {
  /** Before the mount; gives what undoes it. */
  readonly prepare?: () => () => void;
  /** After `prepare`, in place of the request's options; closed once the mount is there. */
  readonly open?: () => OpenedOptions;
  /** When the mount came after its caller had given up, and was taken away again. */
  readonly lateUndo?: () => void;
  /** On the root of what was mounted, before its ownership. */
  readonly finish?: (root: Fd) => void;
}

/** The work itself, possibly blocking. Undoes what it did when a part of it fails. Gives the id of the new mount. */
function mountAndOwn(request: MountRequest, hooks: MountHooks): string {
  const { target, fsGroup } = request;
  const undos: (() => void)[] = [];
  // Hosts bind a device node or a file with the type `bind`; a directory cannot take its place.
  const isFile = request.fstype === 'bind' && exists(request.source) && !isDirectory(stat(request.source));
  using place = ensureTarget(target, isFile);
  try {
    undos.push(() => place.undo());
    if (hooks.prepare !== undefined) undos.push(hooks.prepare());
    using opened = hooks.open?.();
    mountOn(place.fd, opened === undefined ? request : { ...request, options: opened.options });
    undos.push(() => releaseMount(target));
    using root = openMounted(target);
    hooks.finish?.(root);
    if (fsGroup !== undefined) applyFsGroup(root, fsGroup, request.options.includes('ro'));
    return String(fstat(root).mountId);
  } catch (error) {
    for (const undo of undos.reverse()) attempt(undo);
    throw error;
  }
}

/** The first failure is the one to tell; what cannot be undone after it stays. */
function attempt(undo: () => void): void {
  try {
    undo();
  } catch {
    // See above.
  }
}

/** Mounts a storage in a child with a deadline; the drivers' common part. */
export async function mountStorage(
  request: MountRequest,
  context: StorageContext,
  hooks: MountHooks = {},
): Promise<void> {
  await context.runBlocking(
    `mount ${request.source} on ${request.target.path}`,
    () => mountAndOwn(request, hooks),
    (mountId) => {
      releaseMount(request.target, mountId);
      hooks.lateUndo?.();
    },
  );
}

/** Unmounts a storage in a child with a deadline: flushing a slow disk may take long. */
export async function unmountStorage(storage: CheckedStorage, context: StorageContext): Promise<void> {
  const { target } = storage;
  await context.runBlocking(`unmount ${target.path}`, () => {
    releaseMount(target);
    return true;
  });
}
