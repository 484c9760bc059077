import { DomainError, invalidArgument } from '../../base/errors.ts';

/** A mounted volume. Sizes in bytes. */
export interface Volume {
  readonly fsType: string;
  readonly blockSize: bigint;
  /** Of the file system, as statfs(2) tells: without what its own tables take. */
  readonly usableBytes: bigint;
  /** Of the device below; undefined when there is none. */
  readonly deviceBytes: bigint | undefined;
}

/** How a volume grows, and to how many blocks. */
export interface ResizePlan {
  readonly method: 'ext4' | 'xfs';
  readonly blocks: bigint;
}

/** File systems that the kernel's ext4 serves. */
const EXT_TYPES = ['ext4', 'ext3', 'ext2'];

/**
 * What ResizeVolume shall do: grow to `size` bytes, rounded down to blocks, or to the whole device for 0. `invalid_argument` for a
 * size that the device has not, or below what the file system has now; `unimplemented` for other file systems.
 */
export function planResize(volume: Volume, size: bigint): ResizePlan {
  const { fsType, blockSize, usableBytes, deviceBytes } = volume;
  const method = EXT_TYPES.includes(fsType) ? 'ext4' : fsType === 'xfs' ? 'xfs' : undefined;
  if (method === undefined) throw new DomainError('unimplemented', `a volume with ${fsType} cannot be grown`);
  if (deviceBytes === undefined)
    throw new DomainError('internal', `the size of the ${fsType} volume's device is unknown`);
  if (size > deviceBytes) throw invalidArgument('size', `${size} bytes, the device has ${deviceBytes}`);
  const wanted = size === 0n ? deviceBytes : size;
  if (wanted < usableBytes)
    throw invalidArgument('size', `${wanted} bytes, the volume has ${usableBytes}: a mounted volume cannot shrink`);
  return { method, blocks: wanted / blockSize };
}
