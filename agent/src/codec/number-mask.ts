/** A list such as `0-3,7` (cpuset(7), "List format") is not one, or names a number that is too large. */
export class NumberListError extends Error {
  override readonly name = 'NumberListError';
}

/** Bytes of the `unsigned long` that bit masks are made of on every 64-bit machine. */
const wordBytes = 8;

/**
 * The bit mask of a list of CPUs or memory nodes, in whole words of 64 bits as the kernel reads them (sched_setaffinity(2),
 * set_mempolicy(2)). Throws NumberListError for what is no list, for a descending range, and for numbers from `limit` on.
 */
export function numberListMask(text: string, limit: number): Uint8Array {
  const ranges = text.split(',').map((part): readonly [number, number] => {
    const match = /^([0-9]{1,9})(?:-([0-9]{1,9}))?$/.exec(part);
    if (match === null) throw new NumberListError(`${JSON.stringify(text.slice(0, 80))} is not a list of numbers`);
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) throw new NumberListError(`${part} is a descending range`);
    if (last >= limit) throw new NumberListError(`${last} is not below ${limit}`);
    return [first, last];
  });
  const highest = ranges.reduce((most, [, last]) => Math.max(most, last), 0);
  const mask = new Uint8Array((Math.floor(highest / (wordBytes * 8)) + 1) * wordBytes);
  for (const [first, last] of ranges) {
    for (let number = first; number <= last; number++)
      mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
  }
  return mask;
}
