import { MNT_DETACH, MS_SLAVE, O_DIRECTORY, O_PATH } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import { parseMountInfo } from '../../codec/mountinfo.ts';
import { open, readFile } from '../../sys/file.ts';
import {
  createFilesystem,
  mountFilesystem,
  mountSetattr,
  moveMount,
  openFilesystem,
  unmount,
} from '../../sys/mount.ts';
import { chdir, chroot, fchdir, getcwd } from '../../sys/process.ts';
import type { ContainerRoot } from './container-root.ts';

/** A guest with that many mounts is not one to move roots in. */
const maxTableBytes = 16 << 20;

/** These show the machine bare, without the masks of a container. */
const bareTypes: ReadonlySet<string> = new Set(['proc', 'sysfs']);

/** Takes a mount of the guest out of this namespace; where the kernel does not allow that, it is covered. */
function drop(path: string): void {
  try {
    // Otherwise a guest with shared mounts would lose its own.
    mountSetattr(undefined, path, { propagation: MS_SLAVE, recursive: true });
    unmount(path, MNT_DETACH);
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return;
    // EINVAL: locked in a user namespace, or gone with the one above it.
    if (!isSysError(error, 'EINVAL', 'EPERM')) throw error;
    using context = openFilesystem('tmpfs');
    createFilesystem(context);
    using cover = mountFilesystem(context, 0);
    using place = open(path, O_PATH | O_DIRECTORY);
    moveMount(cover, place, '');
  }
}

/**
 * What runc does for `--no-pivot`: every procfs and sysfs outside the container's root goes away, because a process that gets
 * out of its root could use them unmasked; then the root is moved over `/` and becomes this process's root.
 *
 * The guest's root stays mounted below. A process with CAP_SYS_CHROOT can reach it, so this is for roots on the initial ramfs
 * only, which pivot_root(2) cannot leave.
 */
export function moveRoot(root: ContainerRoot): void {
  fchdir(root.fd);
  const own = `${getcwd()}/`;
  const rows = parseMountInfo(readFile('/proc/self/mountinfo', { maxBytes: maxTableBytes }));
  const outside = rows.filter((row) => bareTypes.has(row.fsType) && !`${row.mountPoint}/`.startsWith(own));
  // The innermost first, so that each can still be named.
  for (const row of outside.toReversed()) drop(row.mountPoint);
  using guestRoot = open('/', O_PATH | O_DIRECTORY);
  moveMount(root.fd, guestRoot, '');
  fchdir(root.fd);
  chroot('.');
  chdir('/');
}
