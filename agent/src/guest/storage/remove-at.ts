import { O_DIRECTORY, O_PATH, O_RDONLY } from '../../abi/constants.ts';
import { open } from '../../sys/file.ts';
import { openBeneath } from '../files/open-beneath.ts';
import { removeTreeAt } from '../files/remove-tree.ts';
import type { MountPoint } from './mount-point.ts';

/** Removes a folder of our own with all in it; no link on the way is followed, and mounts in it are not crossed. Throws SysError. */
export function removeAt(place: MountPoint): void {
  using base = open(place.base, O_PATH | O_DIRECTORY);
  using above = openBeneath(base, place.parts.slice(0, -1).join('/'), O_DIRECTORY);
  using parent = open('.', O_RDONLY | O_DIRECTORY, 0, above);
  removeTreeAt(parent, place.parts.at(-1) ?? '');
}
