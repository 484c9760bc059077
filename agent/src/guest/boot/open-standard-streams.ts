import { O_NOCTTY, O_RDWR } from '../../abi/constants.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicateTo } from '../../sys/descriptor.ts';
import { isDirectory, open, stat } from '../../sys/file.ts';

/** The console where there is one; a VM without any still needs the three numbers taken. */
function openConsole(): Fd {
  try {
    return open('/dev/console', O_RDWR | O_NOCTTY);
  } catch {
    return open('/dev/null', O_RDWR);
  }
}

/** True when the number leads somewhere useful. The engine puts the root directory where it found nothing better. */
function isUsable(number: number): boolean {
  try {
    return !isDirectory(stat(`/proc/self/fd/${number}`));
  } catch {
    return false;
  }
}

/** Fills those of the descriptors 0, 1 and 2 that are closed or lead to a directory. Needs `/proc` and `/dev`. */
export function openStandardStreams(): void {
  for (const number of [0, 1, 2]) {
    if (isUsable(number)) continue;
    const fd = openConsole();
    duplicateTo(fd, number);
    // Usually the kernel gave us the number itself, being the lowest free one.
    if (fd.number === number) fd.release();
    else fd.close();
  }
}
