/** True when the long forms of the tests are wanted: `KIHON_LONG=1`. */
export const isLong = process.env['KIHON_LONG'] === '1';

/** `short` in a default run, `long` with `KIHON_LONG=1`. */
export function amount(short: number, long: number): number {
  return isLong ? long : short;
}
