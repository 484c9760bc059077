import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { ClockController, type ClockSample } from './clock-controller.ts';

/** Between two comparisons; a drift of 50 millionths makes 0.8 ms of it before it is known. */
export const INTERVAL_MS = 16_000;
/** Comparisons at a time, of which the shortest counts. */
const TRIES = 5;

/** The clocks and the timer, so that tests can have their own. */
export interface ClockContext {
  /** Compares the guest's clock with the reference once. */
  readonly compare: () => ClockSample;
  readonly step: (offsetNs: bigint) => void;
  readonly slew: (frequencyPpb: number) => void;
  readonly setTimer: (delayMs: number, onExpiry: () => void) => void;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

function best(compare: () => ClockSample): ClockSample {
  let found = compare();
  for (let attempt = 1; attempt < TRIES; attempt++) {
    const next = compare();
    if (next.delayNs < found.delayNs) found = next;
  }
  return found;
}

/** Keeps the guest's clock with the reference for ever, beginning now. A failure is told once and ends it. */
export function followReference(context: ClockContext): void {
  const controller = new ClockController(INTERVAL_MS / 1000);
  const round = (): void => {
    try {
      const action = controller.update(best(context.compare));
      if (action.kind === 'slew') context.slew(action.frequencyPpb);
      if (action.kind === 'step') {
        context.step(action.offsetNs);
        context.log.info('clock set', { 'offset-ms': Number(action.offsetNs / 1_000_000n) });
      }
    } catch (error) {
      context.log.warn('clock no longer follows the host', { error: describeError(error) });
      return;
    }
    context.setTimer(INTERVAL_MS, round);
  };
  round();
}
