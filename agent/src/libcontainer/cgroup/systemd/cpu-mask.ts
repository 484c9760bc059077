import { invalidArgument } from '../../../base/errors.ts';

/** More than any kernel counts (CONFIG_NR_CPUS, CONFIG_NODES_SHIFT). */
const maxNumber = 65_535;

/** A list such as `0-3,8` as the bit mask that systemd takes: bit N of byte N/8, lowest first. Throws `invalid_argument`. */
export function cpuMask(list: string, field: string): Uint8Array {
  const bytes: number[] = [];
  for (const entry of list.split(',')) {
    const match = /^\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*$/.exec(entry);
    const first = Number(match?.[1] ?? NaN);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first || last > maxNumber) {
      throw invalidArgument(field, `${JSON.stringify(list.slice(0, 100))} is no list of numbers`);
    }
    for (let number = first; number <= last; number++) {
      while (bytes.length <= number >> 3) bytes.push(0);
      bytes[number >> 3] = (bytes[number >> 3] ?? 0) | (1 << (number & 7));
    }
  }
  return Uint8Array.from(bytes);
}
