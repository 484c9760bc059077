import { parseMountInfo, type MountInfo } from '../../codec/mountinfo.ts';
import type { MetricFamily, Sample } from '../../codec/prometheus-text.ts';
import { volumeStats, type Usage } from '../volume/volume-stats.ts';
import { itemGauge } from './family.ts';

const TYPES = ['ext4', 'xfs', 'btrfs', 'vfat', 'overlay'];
/** File systems told of. */
const MAX_MOUNTS = 256;

/** What statfs(2) told of one mount, as text: it crosses a pipe as JSON. Block size, blocks, free blocks, inodes, free inodes. */
export type StatfsNumbers = readonly string[];

/** The mounts of which metrics tell: writable file systems of a disk, each once. */
export function measuredMounts(table: string | Uint8Array): MountInfo[] {
  const seen = new Set<string>();
  const mounts: MountInfo[] = [];
  for (const mount of parseMountInfo(table)) {
    const device = `${mount.major}:${mount.minor}`;
    if (!TYPES.includes(mount.fsType) || seen.has(device)) continue;
    if (mount.superOptions.split(',').includes('ro') || mounts.length === MAX_MOUNTS) continue;
    seen.add(device);
    mounts.push(mount);
  }
  return mounts;
}

function deviceName({ source, major, minor }: MountInfo): string {
  return source === 'none' ? `${major}:${minor}` : source.slice(source.lastIndexOf('/') + 1);
}

/** Families of the mounts; `numbers` belong to them one by one, undefined where there is no answer. */
export function filesystems(
  mounts: readonly MountInfo[],
  numbers: readonly (StatfsNumbers | undefined)[],
): MetricFamily[] {
  const bytes: Sample[] = [];
  const inodes: Sample[] = [];
  for (const [index, mount] of mounts.entries()) {
    const found = numbers[index];
    if (found === undefined) continue;
    const [blockSize = 0n, blocks = 0n, blocksFree = 0n, files = 0n, filesFree = 0n] = found.map(BigInt);
    const stats = volumeStats({ blockSize, blocks, blocksFree, files, filesFree });
    bytes.push(...samplesOf(mount, stats.bytes));
    inodes.push(...samplesOf(mount, stats.inodes));
  }
  return [
    itemGauge('kata_guest_filesystem_bytes', 'File systems of the guest in bytes.', bytes),
    itemGauge('kata_guest_filesystem_inodes', 'File systems of the guest in inodes.', inodes),
  ];
}

function samplesOf(mount: MountInfo, usage: Usage): Sample[] {
  return (['total', 'used', 'available'] as const).map((name) => ({
    labels: [
      ['device', deviceName(mount)],
      ['item', name],
      ['mount', mount.mountPoint],
    ],
    value: usage[name],
  }));
}
