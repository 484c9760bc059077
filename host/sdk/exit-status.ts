import { constants } from 'node:os';

/** Exit code of `kihon run` when its own time limit ended the container, as timeout(1) has it. */
export const EXIT_TIMED_OUT = 124;

/** Exit code for what went wrong on our side: no kernel, no QEMU, a VM that did not boot. */
export const EXIT_FAILURE = 1;

/** Exit code by which a shell reports a death by `signal`. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
