import { O_NOCTTY, O_NONBLOCK, O_WRONLY } from '../../abi/constants.ts';
import { Fd } from '../../sys/fd.ts';
import { duplicate, setNonBlocking } from '../../sys/descriptor.ts';
import { fstat, isCharDevice, isFifo, isRegular, open } from '../../sys/file.ts';
import { DescriptorOutput } from './descriptor-output.ts';

const STDOUT = 1;

/**
 * Standard output as log output that never blocks.
 *
 * O_NONBLOCK belongs to the open file, which descriptors 0 and 2 and other programs may share, so terminals and pipes are
 * opened once more. Undefined when there is no standard output: early in a VM without console.
 */
export function openConsoleOutput(): DescriptorOutput | undefined {
  const stdout = new Fd(STDOUT, 'stdout');
  try {
    return new DescriptorOutput(reopen(stdout));
  } catch {
    return undefined;
  } finally {
    stdout.release();
  }
}

function reopen(stdout: Fd): Fd {
  const state = fstat(stdout);
  if (isCharDevice(state) || isFifo(state)) {
    for (const path of [`/proc/self/fd/${STDOUT}`, '/dev/console']) {
      try {
        return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
      } catch {
        // `/proc` may not be mounted yet, and a pipe's other end may be gone.
      }
    }
  }
  const copy = duplicate(stdout);
  if (!isRegular(state)) setNonBlocking(copy, true);
  return copy;
}
