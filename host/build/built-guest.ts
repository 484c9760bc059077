import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../cli/version.ts';
import type { BuiltGuest } from '../kata/layout.ts';

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

/**
 * The guest that was built in `folder` (build/<arch>): the `kata` kernel where there is one, else the lean one. Throws Error naming what is
 * missing and the target that makes it.
 */
export function findBuiltGuest(folder: string): { readonly guest: BuiltGuest; readonly isLean: boolean } {
  const kata = present(join(folder, 'vmlinux-kata'));
  const vmlinux = kata ?? present(join(folder, 'vmlinux'));
  if (vmlinux === undefined) throw new Error(`no kernel in ${folder}: run \`make kernel CONFIG=kata\` first`);
  const suffix = kata === undefined ? '' : '-kata';
  const initrd = present(join(folder, 'kihon-initrd.img'));
  if (initrd === undefined) throw new Error(`no ${join(folder, 'kihon-initrd.img')}: run \`make\` first`);
  const kernelConfig = present(join(folder, `kernel${suffix}.config`));
  return {
    isLean: kata === undefined,
    guest: {
      kernelVersion: kernelVersionOf(readFileSync(vmlinux)) ?? 'unknown',
      vmlinux,
      vmlinuz: present(join(folder, `vmlinuz${suffix}`)),
      kernelConfig,
      systemMap: present(join(folder, `System.map${suffix}`)),
      initrd,
      image: present(join(folder, 'kihon-image.img')),
      version: VERSION,
    },
  };
}
