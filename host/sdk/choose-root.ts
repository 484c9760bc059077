import { locateInitrd, type AssetPlaces } from '../vm/assets.ts';
import type { GuestRoot } from '../vm/guest-root.ts';
import { HostError } from '../vm/host-error.ts';
import { imageRoot } from '../vm/inspect-image.ts';
import type { Machine } from '../vm/machine.ts';
import type { SandboxOptions } from './sandbox-options.ts';

type RootOptions = Pick<SandboxOptions, 'initrd' | 'image' | 'isNvdimm' | 'verity'>;

/** What the guest boots from: the image that was given, else an initrd. @throws HostError */
export function chooseRoot(places: AssetPlaces, options: RootOptions, machine: Machine, kernel: string): GuestRoot {
  const { image, initrd, isNvdimm = false, verity } = options;
  if (image === undefined) {
    if (isNvdimm) throw new HostError('an NVDIMM needs an image', { hint: '--image FILE --nvdimm' });
    if (verity !== undefined) throw new HostError('a root hash needs an image', { hint: '--image FILE --verity FILE' });
    return { kind: 'initrd', path: locateInitrd(places, initrd, kernel) };
  }
  if (initrd !== undefined) throw new HostError('a guest boots from an image or an initrd, not from both');
  if (isNvdimm && machine !== 'q35') throw new HostError(`the machine ${machine} has no place for an NVDIMM`);
  return imageRoot(image, {
    attachment: isNvdimm ? 'nvdimm' : 'virtio-blk',
    ...(verity === undefined ? {} : { verity }),
  });
}
