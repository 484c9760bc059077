import type { RootType } from './format.ts';

/** What tells the kernel its root, with the flags that Kata's runtime gives a root of that type. */
export function rootParameters(device: string, type: RootType, rootFlags: string): string[] {
  const [flags = '', mode] = rootFlags.split(' ');
  const own = mode === undefined ? [flags] : [`rootflags=${flags}`, mode];
  return [`root=${device}`, ...own, `rootfstype=${type}`];
}
