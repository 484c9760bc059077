import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../cli/version.ts';
import { kataImage } from '../kata/kata-image.ts';
import { GUEST_VARIANTS, KERNEL_VARIANTS, type BuiltGuest, type BuiltImage, type BuiltKernel } from '../kata/layout.ts';

const present = (path: string): string | undefined => (existsSync(path) ? path : undefined);

const BANNER = 'Linux version ';

/** Release of a kernel from its banner (`Linux version 6.12.90-kihon ...`), without a suffix of ours; undefined when it has none. */
export function kernelVersionOf(vmlinux: Buffer): string | undefined {
  for (let at = vmlinux.indexOf(BANNER); at >= 0; at = vmlinux.indexOf(BANNER, at + 1)) {
    const release = /^\d+\.\d+[\w.+-]*/.exec(
      vmlinux.toString('latin1', at + BANNER.length, at + BANNER.length + 64),
    )?.[0];
    if (release !== undefined) return release.replace(/-kihon.*$/, '');
  }
  return undefined;
}

/** The kernel of a configuration in `folder`; `suffix` is what its files end with. */
function builtKernel(folder: string, suffix: string): BuiltKernel | undefined {
  const vmlinux = present(join(folder, `vmlinux${suffix}`));
  if (vmlinux === undefined) return undefined;
  return {
    version: kernelVersionOf(readFileSync(vmlinux)) ?? 'unknown',
    vmlinux,
    vmlinuz: present(join(folder, `vmlinuz${suffix}`)),
    config: present(join(folder, `kernel${suffix}.config`)),
    systemMap: present(join(folder, `System.map${suffix}`)),
  };
}

function builtImage(folder: string, suffix: string): BuiltImage | undefined {
  const path = present(join(folder, `kihon-image${suffix}.img`));
  return path === undefined ? undefined : kataImage(path);
}

/** What `find` has of each variant. */
function variantsOf<V extends string, T>(
  variants: readonly V[],
  find: (suffix: string) => T | undefined,
): Partial<Record<V, T>> {
  const found: Partial<Record<V, T>> = {};
  for (const variant of variants) {
    const product = find(`-${variant}`);
    if (product !== undefined) found[variant] = product;
  }
  return found;
}

/**
 * The guest that was built in `folder` (build/<arch>): the `kata` kernel where there is one, else the lean one, and all variants. Throws
 * Error naming what is missing and the target that makes it, HostError for an image that Kata could not boot.
 */
export function findBuiltGuest(folder: string): { readonly guest: BuiltGuest; readonly isLean: boolean } {
  const kata = builtKernel(folder, '-kata');
  const kernel = kata ?? builtKernel(folder, '');
  if (kernel === undefined) throw new Error(`no kernel in ${folder}: run \`make kernel CONFIG=kata\` first`);
  const initrd = present(join(folder, 'kihon-initrd.img'));
  if (initrd === undefined) throw new Error(`no ${join(folder, 'kihon-initrd.img')}: run \`make\` first`);
  return {
    isLean: kata === undefined,
    guest: {
      kernel,
      initrd,
      image: builtImage(folder, ''),
      kernelVariants: variantsOf(KERNEL_VARIANTS, (suffix) => builtKernel(folder, suffix)),
      initrdVariants: variantsOf(GUEST_VARIANTS, (suffix) => present(join(folder, `kihon-initrd${suffix}.img`))),
      imageVariants: variantsOf(GUEST_VARIANTS, (suffix) => builtImage(folder, suffix)),
      version: VERSION,
    },
  };
}
