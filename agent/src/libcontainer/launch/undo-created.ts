import { O_DIRECTORY, O_PATH, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import { fstat, isDirectory, isRegular, open, openAt, rmdir, unlink } from '../../sys/file.ts';

/**
 * Takes mount points away again that a failed launch left on the root's file system, last first. Only empty directories and
 * empty files go, reached without links and without crossing a mount; anything else is somebody's by now. May block on a
 * shared file system: run it in `offload`.
 */
export function removeCreated(rootfsPath: string, created: readonly string[]): void {
  using root = open(rootfsPath, O_PATH | O_DIRECTORY);
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  for (const path of created.toReversed()) {
    const slash = path.lastIndexOf('/');
    try {
      using parent = openAt(root, `.${path.slice(0, slash)}`, { flags: O_PATH | O_DIRECTORY, resolve });
      const name = path.slice(slash + 1);
      using found = openAt(parent, name, { flags: O_PATH, resolve });
      const stat = fstat(found);
      if (isDirectory(stat)) rmdir(name, parent);
      else if (isRegular(stat) && stat.size === 0n) unlink(name, parent);
    } catch (error) {
      if (!isSysError(error)) throw error;
    }
  }
}
