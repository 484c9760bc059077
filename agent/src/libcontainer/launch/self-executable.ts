import {
  AT_EMPTY_PATH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLONE,
} from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { memfd } from '../../sys/descriptor.ts';
import { readFile } from '../../sys/file.ts';
import { mountSetattr, openTree } from '../../sys/mount.ts';

/** The ELF is about 1.4 MB; anything much larger is not it. */
const maxExecutableBytes = 64 << 20;

/** A sealed copy in memory: costs the size of the ELF once, for machines where a mount of our own cannot be made. */
export function copySelfExecutable(): Fd {
  return memfd('kihon-init', { sealed: readFile('/proc/self/exe', { maxBytes: maxExecutableBytes }) });
}

/**
 * This program's own file, for children to execute, in a form that a container cannot write to through `/proc/<pid>/exe`
 * (EXE-01): a read-only mount of just the file, attached nowhere, so it costs no memory and nobody can remount it; else a
 * sealed copy. Open it once and keep it.
 */
export function openSelfExecutable(): Fd {
  try {
    return openTree('/proc/self/exe', OPEN_TREE_CLONE).prepared((tree) =>
      mountSetattr(tree, '', { set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV }),
    );
  } catch (error) {
    if (!isSysError(error)) throw error;
    return copySelfExecutable();
  }
}

/** Flag for execveat(2) with the descriptor from `openSelfExecutable`. */
export const executeDescriptor = AT_EMPTY_PATH;
