import { O_NOCTTY, O_NONBLOCK, O_RDONLY } from '../../abi/constants.ts';
import { decodeBytes } from '../../base/text.ts';
import { fstat, isRegular, read } from '../../sys/file.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';
import { homeOf } from './passwd.ts';

/** More of an `/etc/passwd` is not looked at: the file is the image's, and may be of any size (LIV-10). */
const maxPasswdBytes = 1 << 20;

/**
 * Home directory of `uid` by the container's `/etc/passwd`, or `/`. Runs as that user; a file that is missing, unreadable or
 * no regular file counts as empty, and opening it never blocks.
 */
export function homeDirectory(root: ContainerRoot, uid: number): string {
  try {
    using place = root.open('/etc/passwd');
    if (!isRegular(fstat(place))) return '/';
    using file = root.open('/etc/passwd', O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const stat = fstat(file);
    if (!isRegular(stat)) return '/';
    const buffer = new Uint8Array(Math.min(maxPasswdBytes, Number(stat.size)));
    let length = 0;
    while (length < buffer.length) {
      const count = read(file, buffer.subarray(length));
      if (count === 0) break;
      length += count;
    }
    return homeOf(decodeBytes(buffer.subarray(0, length)), uid) ?? '/';
  } catch {
    return '/';
  }
}
