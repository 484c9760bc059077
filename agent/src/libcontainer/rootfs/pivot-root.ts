import { MNT_DETACH, MS_SLAVE, O_DIRECTORY, O_PATH } from '../../abi/constants.ts';
import { open } from '../../sys/file.ts';
import { mountSetattr, pivotRoot, unmount } from '../../sys/mount.ts';
import { chdir, fchdir } from '../../sys/process.ts';
import type { ContainerRoot } from './container-root.ts';

/**
 * Makes the container's root the root of this mount namespace and drops the guest's: `pivot_root(".", ".")` stacks the old
 * root on the new one, and it is peeled off by descriptor, without any directory for it inside the container.
 */
export function switchRoot(root: ContainerRoot): void {
  using oldRoot = open('/', O_PATH | O_DIRECTORY);
  fchdir(root.fd);
  pivotRoot('.', '.');
  fchdir(oldRoot);
  // Otherwise a guest with shared mounts would see its own root unmounted.
  mountSetattr(oldRoot, '', { propagation: MS_SLAVE, recursive: true });
  unmount('.', MNT_DETACH);
  chdir('/');
}
