import type { RootType } from '../../rootfs-builder/src/format/root-parameters.ts';
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

/** A kernel of a build; absolute paths, undefined for what was not built. */
export interface BuiltKernel {
  /** `uname -r` of the kernel without a suffix of ours, e.g. `6.12.90`. */
  readonly version: string;
  readonly vmlinux: string;
  readonly vmlinuz: string | undefined;
  readonly config: string | undefined;
  readonly systemMap: string | undefined;
}

/** An image of a build. */
export interface BuiltImage {
  readonly path: string;
  readonly rootType: RootType;
  /** `KataImage.verity` */
  readonly verity: string;
}

/** Kernels beside the one that drop-ins name, for who writes them into a configuration. */
export const KERNEL_VARIANTS = ['debug', 'confidential'] as const;
/** Guests beside the one that drop-ins name. */
export const GUEST_VARIANTS = ['confidential'] as const;

/** The products of a build; undefined or missing for what was not built. */
export interface BuiltGuest {
  readonly kernel: BuiltKernel;
  readonly initrd: string;
  readonly image: BuiltImage | undefined;
  readonly kernelVariants?: Partial<Readonly<Record<(typeof KERNEL_VARIANTS)[number], BuiltKernel>>>;
  readonly initrdVariants?: Partial<Readonly<Record<(typeof GUEST_VARIANTS)[number], string>>>;
  readonly imageVariants?: Partial<Readonly<Record<(typeof GUEST_VARIANTS)[number], BuiltImage>>>;
  /** Version of the agent, which is in the names of images. */
  readonly version: string;
}

/** A small text to install. */
export interface InstalledText {
  readonly text: string;
  readonly to: string;
}

export interface GuestLayout {
  readonly files: readonly InstalledFile[];
  readonly texts: readonly InstalledText[];
  readonly links: readonly InstalledLink[];
  readonly assets: KataAssets;
}

/**
 * Where the guest's files go: a file with its version in the name and a stable link to it, as Kata's packages do. With `isDefault` the links
 * without a variant are ours as well, for a prefix that Kata has no guest of its own in.
 */
export function guestLayout(guest: BuiltGuest, prefix: string, isDefault = false): GuestLayout {
  const files: InstalledFile[] = [];
  const texts: InstalledText[] = [];
  const links: InstalledLink[] = [];
  const link = (name: string, stable: string, plain: string): void => {
    for (const to of isDefault ? [stable, plain] : [stable]) links.push({ target: name, to: `${ASSETS}/${to}` });
  };
  const add = (from: string | undefined, name: string, stable?: string, plain?: string): void => {
    if (from === undefined) return;
    files.push({ from, to: `${ASSETS}/${name}`, mode: 0o644 });
    if (stable !== undefined && plain !== undefined) link(name, stable, plain);
  };
  const addKernel = ({ version, vmlinux, vmlinuz, config, systemMap }: BuiltKernel, suffix: string): void => {
    const name = `${version}-${VARIANT}${suffix}`;
    add(vmlinux, `vmlinux-${name}`, `vmlinux-${VARIANT}${suffix}.container`, `vmlinux${suffix}.container`);
    add(vmlinuz, `vmlinuz-${name}`, `vmlinuz-${VARIANT}${suffix}.container`, `vmlinuz${suffix}.container`);
    add(config, `config-${name}`);
    add(systemMap, `System.map-${name}`);
  };
  const root = `kata-${VARIANT}-${guest.version}`;
  const addInitrd = (from: string | undefined, suffix: string): void => {
    const [stable, plain] = [`-initrd-${VARIANT}${suffix}`, `-initrd${suffix}`];
    add(from, `${root}${suffix}.initrd`, `kata-containers${stable}.img`, `kata-containers${plain}.img`);
  };
  const addImage = (image: BuiltImage | undefined, suffix: string): void => {
    if (image === undefined) return;
    const stable = `kata-containers-${VARIANT}${suffix}.img`;
    add(image.path, `${root}${suffix}.image`, stable, `kata-containers${suffix}.img`);
    if (image.verity === '') return;
    const hash = `root_hash_${VARIANT}${suffix}.txt`;
    texts.push({ text: `${image.verity}\n`, to: `${ASSETS}/${hash}` });
    if (isDefault)
      links.push({ target: hash, to: `${ASSETS}/root_hash_${suffix === '' ? 'base' : suffix.slice(1)}.txt` });
  };
  addKernel(guest.kernel, '');
  for (const [variant, kernel] of Object.entries(guest.kernelVariants ?? {})) addKernel(kernel, `-${variant}`);
  addInitrd(guest.initrd, '');
  for (const [variant, initrd] of Object.entries(guest.initrdVariants ?? {})) addInitrd(initrd, `-${variant}`);
  addImage(guest.image, '');
  for (const [variant, image] of Object.entries(guest.imageVariants ?? {})) addImage(image, `-${variant}`);
  const share = `${prefix}/${ASSETS}`;
  const { image } = guest;
  return {
    files,
    texts,
    links,
    assets: {
      kernel: `${share}/vmlinux-${VARIANT}.container`,
      initrd: `${share}/kata-containers-initrd-${VARIANT}.img`,
      image: image === undefined ? undefined : { ...image, path: `${share}/kata-containers-${VARIANT}.img` },
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
