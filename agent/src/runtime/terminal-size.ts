import { isSysError } from '../base/sys-error.ts';
import type { ProcessSpec } from '../oci/spec.ts';
import { Fd } from '../sys/fd.ts';
import { getWindowSize } from '../sys/terminal.ts';

/** Gives a terminal that will be ours the size of ours, from its first moment. Without one at hand it keeps what was asked for. */
export function withOwnTerminalSize(process: ProcessSpec): ProcessSpec {
  if (!process.terminal) return process;
  const input = new Fd(0, 'standard input');
  try {
    return { ...process, consoleSize: getWindowSize(input) };
  } catch (error) {
    if (isSysError(error, 'ENOTTY', 'EINVAL')) return process;
    throw error;
  } finally {
    input.release();
  }
}
