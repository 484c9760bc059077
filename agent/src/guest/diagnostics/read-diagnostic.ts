import { O_NOFOLLOW, O_PATH, O_RDONLY, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { decodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat, isRegular, open, openAt, read } from '../../sys/file.ts';

/** What Kubernetes keeps of a termination message (lifecycle 3.6). */
const MAX_BYTES = 4096;

/**
 * The first 4 KiB of a file that a container may have written, or put something else in the place of (API-13): no link is followed
 * anywhere on the way, and nothing but a regular file is opened. Bytes that are no UTF-8 become U+FFFD. Undefined when there is no
 * such file. May wait for a share: run it in a child.
 */
export function readDiagnostic(path: string): string | undefined {
  try {
    using root = open('/', O_PATH);
    using found = openAt(root, path, {
      flags: O_PATH | O_NOFOLLOW,
      resolve: RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    });
    if (!isRegular(fstat(found))) throw new DomainError('internal', `${path} is no regular file`);
    // The very file that was looked at, whatever has its name now.
    using file = open(`/proc/self/fd/${found.number}`, O_RDONLY);
    return decodeBytes(readAtMost(file)).toWellFormed();
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function readAtMost(file: Fd): Uint8Array {
  const buffer = new Uint8Array(MAX_BYTES);
  let length = 0;
  while (length < buffer.length) {
    const count = read(file, buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
