import type { RootType } from '../../rootfs-builder/src/format/root-parameters.ts';
import type { HypervisorClass } from './hypervisors.ts';

/** A disk image as Kata's configuration names it. */
export interface KataImage {
  /** Absolute, on the host. */
  readonly path: string;
  /** File system of its first partition, as `rootfs_type` has it. */
  readonly rootType: RootType;
  /** The line of `root_hash_<variant>.txt` of a measured image, which is the value of `kernel_verity_params`; else empty. */
  readonly verity: string;
}

/** Guest assets as Kata's configuration names them; absolute paths on the host. */
export interface KataAssets {
  /** Uncompressed: the only form that all hypervisors take. */
  readonly kernel: string;
  readonly initrd: string;
  /** Undefined when none was built. */
  readonly image: KataImage | undefined;
}

/** The keys of a hypervisor's table that choose the guest, with the values that choose ours. */
export type GuestKeys = Readonly<Record<string, string | boolean>>;

/**
 * What a hypervisor's table must say. Kata refuses a configuration with both an image and an initrd, and the shipped one names an image;
 * so the one that is not used is emptied. Throws when the class needs an image and there is none.
 */
export function guestKeys(hypervisor: HypervisorClass, assets: KataAssets): GuestKeys {
  if (hypervisor.root === 'initrd') return { kernel: assets.kernel, initrd: assets.initrd, image: '' };
  if (assets.image === undefined) throw new Error(`${hypervisor.title} boots from an image, and none was built`);
  const { path, rootType, verity } = assets.image;
  return { kernel: assets.kernel, image: path, initrd: '', rootfs_type: rootType, kernel_verity_params: verity };
}
