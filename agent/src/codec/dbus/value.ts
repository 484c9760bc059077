/** A value with its type. */
export interface Variant {
  readonly signature: string;
  readonly value: DbusValue;
}

/**
 * A value as its type has it: `y n q i u h d` are numbers, `x t` bigints, `b` a boolean, `s o g` texts, `ay` bytes, other arrays
 * and structs lists, dictionaries lists of pairs, `v` a Variant.
 */
export type DbusValue = boolean | number | bigint | string | Uint8Array | readonly DbusValue[] | Variant;

/** A message is at most this long, as the specification has it; an array half of it. */
export const maxMessageBytes = 1 << 27;
export const maxArrayBytes = 1 << 26;
/** Variants may hold variants; with arrays and structs no deeper than this ("Message Protocol"). */
export const maxValueDepth = 64;

/** `/`, or names of letters, digits and `_`, each behind a slash. */
export function isObjectPath(text: string): boolean {
  return text === '/' || /^(?:\/[A-Za-z0-9_]+)+$/.test(text);
}
