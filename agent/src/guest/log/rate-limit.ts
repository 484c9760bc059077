import { loggerOf } from '../../base/log.ts';
import type { LogFields, Logger, LogLevel } from '../../base/log.ts';

/** Records a second that one source may cause, when the guest's workload can provoke them. */
export const GUEST_PROVOKED_RECORDS_PER_SECOND = 10;

const WINDOW_MS = 1000;

/**
 * A logger that passes at most `perSecond` records a second and drops the rest. The first record of a later second says
 * how many were dropped. Its children each have a budget of their own.
 *
 * @param now milliseconds of a clock that never goes back.
 */
export function limitRate(
  inner: Logger,
  now: () => number,
  perSecond: number = GUEST_PROVOKED_RECORDS_PER_SECOND,
): Logger {
  let windowStart = -Infinity;
  let passed = 0;
  let suppressed = 0;
  const log = (level: LogLevel, msg: string, fields?: LogFields): void => {
    const time = now();
    if (time - windowStart >= WINDOW_MS) {
      windowStart = time;
      passed = 0;
      if (suppressed > 0) inner.warn('records of this source were suppressed', { count: suppressed });
      suppressed = 0;
    }
    if (passed >= perSecond) {
      suppressed += 1;
      return;
    }
    passed += 1;
    inner.log(level, msg, fields);
  };
  return loggerOf(log, (subsystem) => limitRate(inner.child(subsystem), now, perSecond));
}
