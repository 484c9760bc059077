import { readFileSync } from 'node:fs';
import { parseMountInfo, type MountInfo } from '../../../agent/src/codec/mountinfo.ts';

/** A mount as a container sees it. */
export interface SeenMount extends MountInfo {
  /** Options of the mount, apart. */
  readonly flags: readonly string[];
}

/** Rows of `/proc/self/mountinfo` by mount point; of several on one point the last, which is what one sees. */
export function mountsSeen(mountinfo: string): ReadonlyMap<string, SeenMount> {
  return new Map(
    parseMountInfo(mountinfo).map((row) => [row.mountPoint, { ...row, flags: row.options.split(',').sort() }]),
  );
}

/** Mount points of this process at a folder and below it; what others mount elsewhere meanwhile does not matter. */
export function mountsBelow(folder: string): string[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'))
    .map(({ mountPoint }) => mountPoint)
    .filter((place) => place === folder || place.startsWith(`${folder}/`));
}
