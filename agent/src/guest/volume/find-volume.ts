import { O_DIRECTORY, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { parseMountInfo } from '../../codec/mountinfo.ts';
import { fstat, open, readFile, readText } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { isSysError } from '../../base/sys-error.ts';

/** `/sys/dev/block/MAJOR:MINOR/size` counts these, whatever the device's own sectors are. */
const SECTOR_BYTES = 512n;
const MAX_MOUNTS_BYTES = 4 << 20;

/** A volume as text: the result crosses a pipe as JSON. */
export interface FoundVolume {
  readonly fsType: string;
  readonly blockSize: string;
  readonly usableBytes: string;
  readonly deviceBytes: string | undefined;
}

/** What is mounted at (or above) an absolute path of the guest. May wait for the file system: run it in a child. */
export function findVolume(path: string): FoundVolume {
  using directory = open(path, O_RDONLY | O_DIRECTORY);
  const { mountId } = fstat(directory);
  const mounts = parseMountInfo(readFile('/proc/self/mountinfo', { maxBytes: MAX_MOUNTS_BYTES }));
  const mount = mounts.find(({ id }) => BigInt(id) === mountId);
  if (mount === undefined) throw new DomainError('internal', `${path}: its mount is not in /proc/self/mountinfo`);
  const { blockSize, blocks } = fstatfs(directory);
  return {
    fsType: mount.fsType,
    blockSize: String(blockSize),
    usableBytes: String(blocks * blockSize),
    deviceBytes: deviceBytes(mount.major, mount.minor)?.toString(),
  };
}

function deviceBytes(major: number, minor: number): bigint | undefined {
  try {
    return BigInt(readText(`/sys/dev/block/${major}:${minor}/size`).trim()) * SECTOR_BYTES;
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
