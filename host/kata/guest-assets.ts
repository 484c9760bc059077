import type { HypervisorClass } from './hypervisors.ts';

/** Guest assets as Kata's configuration names them; absolute paths on the host. */
export interface KataAssets {
  /** Uncompressed: the only form that all hypervisors take. */
  readonly kernel: string;
  readonly initrd: string;
  /** A disk image; undefined when none was built. */
  readonly image: string | undefined;
}

/** File system of the image's first partition, as `rootfs_type` has it. */
export const IMAGE_ROOT_TYPE = 'ext4';

/** The keys of a hypervisor's table that choose the guest, with the values that choose ours. */
export type GuestKeys = Readonly<Record<string, string | boolean>>;

/**
 * What a hypervisor's table must say. Kata refuses a configuration with both an image and an initrd, and the shipped one names an image;
 * so the one that is not used is emptied. Throws when the class needs an image and there is none.
 */
export function guestKeys(hypervisor: HypervisorClass, assets: KataAssets): GuestKeys {
  if (hypervisor.root === 'initrd') return { kernel: assets.kernel, initrd: assets.initrd, image: '' };
  if (assets.image === undefined) throw new Error(`${hypervisor.title} boots from an image, and none was built`);
  return { kernel: assets.kernel, image: assets.image, initrd: '', rootfs_type: IMAGE_ROOT_TYPE };
}
