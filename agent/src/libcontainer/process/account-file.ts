import { O_NOCTTY, O_NONBLOCK, O_RDONLY } from '../../abi/constants.ts';
import { decodeBytes } from '../../base/text.ts';
import { fstat, isRegular, read } from '../../sys/file.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';

/** More of an account file is not looked at: it is the image's, and may be of any size (LIV-10). */
const maxBytes = 1 << 20;

export interface AccountFile {
  readonly text: string;
  /** False when the file goes on behind the text. */
  readonly isWhole: boolean;
}

/**
 * The beginning of `/etc/passwd` or `/etc/group` of a container, found inside its root. Undefined for anything but a regular
 * file, which is not even opened (FIFO, device, socket); a file of procfs counts as empty. Throws SysError when it cannot be
 * opened. Never blocks.
 */
export function readAccountFile(root: ContainerRoot, path: '/etc/passwd' | '/etc/group'): AccountFile | undefined {
  {
    using place = root.open(path);
    if (!isRegular(fstat(place))) return undefined;
  }
  using file = root.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  const stat = fstat(file);
  if (!isRegular(stat)) return undefined;
  const buffer = new Uint8Array(Math.min(maxBytes, Number(stat.size)));
  let length = 0;
  while (length < buffer.length) {
    const count = read(file, buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return { text: decodeBytes(buffer.subarray(0, length)), isWhole: stat.size <= BigInt(maxBytes) };
}
