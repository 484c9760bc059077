import { AT_EMPTY_PATH, AT_RECURSIVE, CLONE_NEWNS, O_DIRECTORY, O_PATH, O_RDONLY } from '../../abi/constants.ts';
import { OPEN_TREE_CLONE } from '../../abi/constants.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, isDirectory, open } from '../../sys/file.ts';
import { moveMount, openTree } from '../../sys/mount.ts';
import { setns } from '../../sys/process.ts';
import { ContainerRoot } from './container-root.ts';
import { checkTarget } from './mount-target.ts';

/** A container as another process can reach it: descriptors of the agent by their paths in procfs. */
export interface MountSide {
  readonly mountNamespace: string;
  readonly root: string;
  /** Absolute path inside the container. */
  readonly path: string;
}

interface OpenSide {
  readonly namespace: Fd;
  readonly root: ContainerRoot;
}

function openSide(side: MountSide): OpenSide {
  const namespace = open(side.mountNamespace, O_RDONLY);
  return { namespace, root: new ContainerRoot(open(side.root, O_PATH | O_DIRECTORY)) };
}

/**
 * Attaches a copy of the mounts at and below a path of one container at a path of another, which is created where it is missing. Both
 * paths are resolved inside their container's root, without magic links. Changes the mount namespace of the calling process for
 * good, so it is for a child that does nothing else; what it opened goes with it. Throws SysError or DomainError.
 */
export function shareMount(from: MountSide, to: MountSide): void {
  // While the procfs of the agent can still be seen.
  const [source, target] = [openSide(from), openSide(to)];
  // Mounts can be copied only by a process of their own namespace (open_tree(2), check_mnt in fs/namespace.c).
  setns(source.namespace, CLONE_NEWNS);
  const place = source.root.open(from.path);
  const tree = openTree('', OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH, place);
  setns(target.namespace, CLONE_NEWNS);
  const isFolder = isDirectory(fstat(tree));
  const destination = target.root.ensure(to.path, isFolder ? 'directory' : 'file');
  checkTarget(target.root, to.path, destination);
  moveMount(tree, destination, '');
}
