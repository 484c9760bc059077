import type { RootType } from './format.ts';

export type { RootType };

/** What Kata's runtime mounts a root of each type with. */
const FLAGS: Readonly<Record<RootType, readonly string[]>> = {
  ext4: ['rootflags=data=ordered,errors=remount-ro', 'ro'],
  xfs: ['ro'],
  erofs: ['ro'],
};

/** What tells the kernel its root, with the flags that Kata's runtime gives a root of that type. */
export function rootParameters(device: string, type: RootType): string[] {
  return [`root=${device}`, ...FLAGS[type], `rootfstype=${type}`];
}
