import type { KataAssets } from './guest-assets.ts';
import { HYPERVISORS, runtimeName, type HypervisorClass } from './hypervisors.ts';

/** Folder of guest assets below the prefix, as Kata's packages have it. */
export const ASSETS = 'share/kata-containers';
/** Folder of configurations below the prefix. */
export const DEFAULTS = 'share/defaults/kata-containers';
/** What follows the names of Kata's own assets, so that ours lie beside them. */
const VARIANT = 'kihon';

/** A file to install: where from, and its place below the prefix. */
export interface InstalledFile {
  readonly from: string;
  readonly to: string;
  readonly mode: number;
}

/** A symbolic link to install; `target` is relative to its folder. */
export interface InstalledLink {
  readonly target: string;
  readonly to: string;
}

/** The products of a build; absolute paths, undefined for what was not built. */
export interface BuiltGuest {
  /** `uname -r` of the kernel without a suffix of ours, e.g. `6.12.90`. */
  readonly kernelVersion: string;
  readonly vmlinux: string;
  readonly vmlinuz: string | undefined;
  readonly kernelConfig: string | undefined;
  readonly systemMap: string | undefined;
  readonly initrd: string;
  readonly image: string | undefined;
  /** Version of the agent, which is in the names of images. */
  readonly version: string;
}

export interface GuestLayout {
  readonly files: readonly InstalledFile[];
  readonly links: readonly InstalledLink[];
  readonly assets: KataAssets;
}

/**
 * Where the guest's files go: a file with its version in the name and a stable link to it, as Kata's packages do. With `isDefault` the links
 * without a variant are ours as well, for a prefix that Kata has no guest of its own in.
 */
export function guestLayout(guest: BuiltGuest, prefix: string, isDefault = false): GuestLayout {
  const files: InstalledFile[] = [];
  const links: InstalledLink[] = [];
  const add = (from: string | undefined, name: string, stable?: string, plain?: string): void => {
    if (from === undefined) return;
    files.push({ from, to: `${ASSETS}/${name}`, mode: 0o644 });
    for (const link of [stable, isDefault ? plain : undefined])
      if (link !== undefined) links.push({ target: name, to: `${ASSETS}/${link}` });
  };
  const { kernelVersion, version } = guest;
  add(guest.vmlinux, `vmlinux-${kernelVersion}-${VARIANT}`, `vmlinux-${VARIANT}.container`, 'vmlinux.container');
  add(guest.vmlinuz, `vmlinuz-${kernelVersion}-${VARIANT}`, `vmlinuz-${VARIANT}.container`, 'vmlinuz.container');
  add(guest.kernelConfig, `config-${kernelVersion}-${VARIANT}`);
  add(guest.systemMap, `System.map-${kernelVersion}-${VARIANT}`);
  add(
    guest.initrd,
    `kata-${VARIANT}-${version}.initrd`,
    `kata-containers-initrd-${VARIANT}.img`,
    'kata-containers-initrd.img',
  );
  add(guest.image, `kata-${VARIANT}-${version}.image`, `kata-containers-${VARIANT}.img`, 'kata-containers.img');
  const share = `${prefix}/${ASSETS}`;
  return {
    files,
    links,
    assets: {
      kernel: `${share}/vmlinux-${VARIANT}.container`,
      initrd: `${share}/kata-containers-initrd-${VARIANT}.img`,
      image: guest.image === undefined ? undefined : `${share}/kata-containers-${VARIANT}.img`,
    },
  };
}

/** Folder of a runtime's configuration below the prefix. Each runtime has its own: a drop-in counts for all files beside it. */
export function runtimeFolder(hypervisor: HypervisorClass): string {
  return `${DEFAULTS}/runtimes/${runtimeName(hypervisor)}`;
}

/** The classes that these assets can serve. */
export function servedHypervisors(assets: KataAssets): readonly HypervisorClass[] {
  return HYPERVISORS.filter(({ root }) => root === 'initrd' || assets.image !== undefined);
}
