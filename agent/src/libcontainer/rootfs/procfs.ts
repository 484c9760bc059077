import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../../abi/constants.ts';
import { SysError } from '../../base/sys-error.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { openAt, write } from '../../sys/file.ts';
import { createFilesystem, mountFilesystem, openFilesystem } from '../../sys/mount.ts';

/**
 * A procfs of this process's own pid namespace that is attached nowhere: nobody can put anything over its files, so what is
 * written through it reaches the kernel (MNT-05). Close it after use.
 */
export function openDetachedProcfs(): Fd {
  using context = openFilesystem('proc');
  createFilesystem(context);
  return mountFilesystem(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/** Writes a file below a detached procfs in one write. `self` is a symbolic link there: own files are named by `getpid()`. */
export function writeProcfs(procfs: Fd, path: string, value: string): void {
  using file = openAt(procfs, path, { flags: O_WRONLY, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS });
  const bytes = encodeBytes(value);
  const count = write(file, bytes);
  if (count !== bytes.length) throw new SysError('write', 5, 'EIO', `${path} (${count} of ${bytes.length} bytes)`);
}
