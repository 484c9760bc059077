import { encodeBytes } from '../../base/text.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { writeAll } from '../../sys/file.ts';

function say(number: 1 | 2, text: string): void {
  const fd = new Fd(number, number === 1 ? 'stdout' : 'stderr');
  try {
    writeAll(fd, encodeBytes(text));
  } catch (error) {
    // Nobody reads errors; results that nobody can read are an error.
    if (number === 1 || !isSysError(error)) throw error;
  } finally {
    fd.release();
  }
}

/** Writes a result to standard output. */
export function print(text: string): void {
  say(1, text);
}

/** Writes a message to standard error. */
export function complain(text: string): void {
  say(2, text);
}
