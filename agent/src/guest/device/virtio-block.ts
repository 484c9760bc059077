import type { KernelFiles } from '../files/kernel-files.ts';

/** A block device of the guest whose node can be opened. */
export interface BlockDevice {
  /** Kernel name, e.g. `vda`. */
  readonly name: string;
  /** e.g. `/dev/vda`. */
  readonly node: string;
  readonly major: number;
  readonly minor: number;
}

/** Parses `major:minor` of a sysfs `dev` file. */
export function parseDeviceNumbers(text: string): { major: number; minor: number } | undefined {
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text.trim());
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/**
 * The whole disk in a device's `block` directory in sysfs, or undefined while there is none or its node in `/dev` is not the
 * one that sysfs describes. Partitions are directories inside the disk's own, so they cannot be taken for it.
 */
export function matchBlockNode(files: KernelFiles, block: string): BlockDevice | undefined {
  const name = files.tryList(block)?.[0];
  if (name === undefined) return undefined;
  const expected = parseDeviceNumbers(files.tryRead(`${block}/${name}/dev`) ?? '');
  // A name may hold a slash as an exclamation mark (cciss); the disks of a VM have none, and a path must not be made of it.
  const node = `/dev/${name}`;
  const actual = files.tryBlockDevice(node);
  if (expected === undefined || actual === undefined) return undefined;
  if (expected.major !== actual.major || expected.minor !== actual.minor) return undefined;
  return { name, node, ...actual };
}

/** The whole disk of the virtio-blk function at `devicePath` (below `/sys`), or undefined while it cannot be opened. */
export function findVirtioBlock(files: KernelFiles, devicePath: string): BlockDevice | undefined {
  const base = `/sys${devicePath}`;
  for (const child of files.tryList(base) ?? []) {
    const found = /^virtio\d+$/.test(child) ? matchBlockNode(files, `${base}/${child}/block`) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
