import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProgressTarget } from '../build/progress-view.ts';
import { reasonOf } from '../build-error.ts';

/**
 * Runs a build. When it fails, that is the last event of `--json`; the caller still says it on standard error. A terminal's ctrl-C goes to
 * the programs that we run as well, and what they leave behind may arrive before the signal does: the reason is the signal all the same.
 */
export async function tellingFailure(
  events: ProgressTarget | undefined,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    await nextTurn();
    const message = signal.aborted ? 'interrupted' : reasonOf(error);
    events?.write(`${JSON.stringify({ event: 'error', message, interrupted: signal.aborted })}\n`);
    signal.throwIfAborted();
    throw error;
  }
}
