import { O_PATH } from '../../abi/constants.ts';
import type { Statfs } from '../../sys/statfs.ts';

/** How much of a file system is used; in bytes and in inodes. */
export interface VolumeStats {
  readonly bytes: Usage;
  readonly inodes: Usage;
}

export interface Usage {
  readonly total: bigint;
  /** Free ones, those kept for root included (contract storage, section 11). */
  readonly available: bigint;
  readonly used: bigint;
}

/** O_PATH: opening a FIFO or a device must not wait for it nor wake it (API-12). */
export const VOLUME_OPEN_FLAGS = O_PATH;

const limit = (value: bigint): bigint => (value > 0xffffffffffffffffn ? 0xffffffffffffffffn : value);

function usage(total: bigint, free: bigint, unit: bigint): Usage {
  // A file system may say anything.
  const available = free > total ? total : free;
  return {
    total: limit(total * unit),
    available: limit(available * unit),
    used: limit((total - available) * unit),
  };
}

/** The answer of GetVolumeStats from what statfs(2) told. */
export function volumeStats(
  found: Pick<Statfs, 'blockSize' | 'blocks' | 'blocksFree' | 'files' | 'filesFree'>,
): VolumeStats {
  return {
    bytes: usage(found.blocks, found.blocksFree, found.blockSize),
    inodes: usage(found.files, found.filesFree, 1n),
  };
}
