import { constants } from 'node:os';

/** Exit code of `kihon run` when its own time limit ended the container, as timeout(1) has it. */
export const EXIT_TIMED_OUT = 124;

/** Exit code for what went wrong on our side: no kernel, no QEMU, a VM that did not boot. */
export const EXIT_FAILURE = 1;

/** Number of a signal given as `TERM`, `SIGTERM` or `15`; undefined for anything else. */
export function parseSignal(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= 64 ? number : undefined;
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  return Object.entries(constants.signals).find(([key]) => key === name)?.[1];
}

/** Exit code by which a shell reports a death by `signal`. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
