/** A class of errors. */
export type ErrorType = abstract new (...args: never[]) => Error;

/**
 * Something that reads outside bytes. `decode` may throw `errors` and nothing else; where reading and writing are inverse it checks
 * that too, and throws `BrokenPromise` when they are not. Pure: decoders run under Node and in the engine.
 */
export interface Decoder {
  readonly name: string;
  /** Real inputs, from which all others are made. */
  readonly corpus: readonly Uint8Array[];
  readonly errors: readonly ErrorType[];
  readonly decode: (bytes: Uint8Array) => void;
}

/** A decoder that took its input but made something wrong of it. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** Throws BrokenPromise, naming what does not hold. */
export function promise(what: string, isKept: boolean): void {
  if (!isKept) throw new BrokenPromise(what);
}

/** The same as far as JSON tells. 64-bit numbers count, and so do the entries of a Map. */
export function promiseEqual(what: string, one: unknown, other: unknown): void {
  promise(what, shown(one) === shown(other));
}

function shown(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    return part instanceof Map ? [...(part as Map<unknown, unknown>)] : part;
  });
}

/** True for the same bytes. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** Bytes of hexadecimal text; blanks are ignored. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}
