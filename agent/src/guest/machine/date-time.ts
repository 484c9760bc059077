import { invalidArgument } from '../../base/errors.ts';

/** The nanoseconds of SetGuestDateTime's microseconds; `invalid_argument` for a time that is none. */
export function checkDateTime(sec: bigint, usec: bigint): number {
  if (sec < 0n) throw invalidArgument('Sec', `${sec} is before 1970`);
  if (usec < 0n || usec > 999_999n) throw invalidArgument('Usec', `${usec} is not within 0 to 999999`);
  return Number(usec) * 1000;
}
