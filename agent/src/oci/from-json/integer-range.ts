/** Bounds of an integer, both included. Numbers where they are exact. */
export interface IntegerRange {
  readonly min: number | bigint;
  readonly max: number | bigint;
}

export const uint16: IntegerRange = { min: 0, max: 0xffff };
export const int32: IntegerRange = { min: -0x80000000, max: 0x7fffffff };
export const uint32: IntegerRange = { min: 0, max: 0xffffffff };
export const int64: IntegerRange = { min: -(1n << 63n), max: (1n << 63n) - 1n };
export const uint64: IntegerRange = { min: 0n, max: (1n << 64n) - 1n };

/**
 * True if `value` lies within the bounds. Kinds are never mixed: the engine takes -1 for less than `-(1n << 63n)`, as it compares a
 * number with a bigint of several digits wrongly.
 */
export function isWithin(value: number | bigint, { min, max }: IntegerRange): boolean {
  if (typeof value === 'number' && typeof min === 'number' && typeof max === 'number')
    return value >= min && value <= max;
  const exact = BigInt(value);
  return exact >= BigInt(min) && exact <= BigInt(max);
}
