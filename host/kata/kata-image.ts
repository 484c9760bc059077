import { verityLine } from '../../rootfs-builder/src/verity/parameters.ts';
import { HostError } from '../vm/host-error.ts';
import { inspectImage } from '../vm/inspect-image.ts';
import type { KataImage } from './guest-assets.ts';

/**
 * What Kata must be told of an image; `installedPath` is where it will lie, if elsewhere. Throws HostError for a file that Kata could not
 * boot, which always takes the first partition, and for a measured image without its root hash beside it.
 */
export function kataImage(path: string, installedPath = path): KataImage {
  const { rootType, isPartitioned, measured } = inspectImage(path);
  if (!isPartitioned)
    throw new HostError(`${path} is a file system without a partition table, and Kata boots the first partition`, {
      hint: 'output.format = "disk" in the recipe',
    });
  return { path: installedPath, rootType, verity: measured === undefined ? '' : verityLine(measured.verity) };
}
