/** Bounds of an integer, both included. Numbers where they are exact; comparisons mix both kinds. */
export interface IntegerRange {
  readonly min: number | bigint;
  readonly max: number | bigint;
}

export const uint16: IntegerRange = { min: 0, max: 0xffff };
export const int32: IntegerRange = { min: -0x80000000, max: 0x7fffffff };
export const uint32: IntegerRange = { min: 0, max: 0xffffffff };
export const int64: IntegerRange = { min: -(1n << 63n), max: (1n << 63n) - 1n };
export const uint64: IntegerRange = { min: 0n, max: (1n << 64n) - 1n };
