/**
 * Changes to bytes that find the mistakes of decoders: lengths that lie, parts that are missing, doubled or of another input. Pure,
 * so that the same mutations run under Node and in the engine; all choices come in as unsigned 32-bit numbers.
 */

export interface Mutation {
  readonly kind: number;
  /** Place, modulo the length. */
  readonly at: number;
  readonly size: number;
  readonly value: number;
}

/** No input is longer: the time and memory limits are stated for inputs below it. */
export const MAX_INPUT_BYTES = 65_535;

const boundaryBytes = [0x00, 0x01, 0x0a, 0x20, 0x2f, 0x30, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xf4, 0xfe, 0xff];

const boundaryNumbers = [
  0, 1, 3, 4, 7, 8, 15, 16, 127, 128, 255, 256, 4095, 4096, 65534, 65535, 65536, 4194304, 4194305, 0x7fffffff,
  0x80000000, 0xfffffffe, 0xffffffff,
];

/** What text formats turn on. */
const tokens = [
  '\0',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '=',
  ':',
  '/',
  '-',
  ' - ',
  ',',
  '#',
  '"',
  "'",
  '\\',
  '\\040',
  '..',
  '/../',
  '[',
  '{"',
  '}]',
  'null',
  '-1',
  '1e999',
  '4294967296',
  '9223372036854775808',
  '18446744073709551616',
  '0x',
  'max',
  '__proto__',
  'constructor',
  '=y',
  'agent.',
].map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0)));

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `insert` instead of `removed` bytes at `at`. */
function replaced(bytes: Uint8Array, at: number, removed: number, insert: Uint8Array): Uint8Array {
  return joined(bytes.subarray(0, at), insert, bytes.subarray(at + removed));
}

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length]!;
}

function numberBytes(value: number, width: number, isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, isLittle);
  return isLittle ? bytes.subarray(0, width) : bytes.subarray(4 - width);
}

/** Mostly short, sometimes as long as all of it. */
function spanOf(bytes: Uint8Array, mutation: Mutation): number {
  const span = mutation.size % 8 === 0 ? mutation.size % (bytes.length + 1) : mutation.size % 33;
  return Math.min(span, bytes.length);
}

type Change = (bytes: Uint8Array, at: number, mutation: Mutation, corpus: readonly Uint8Array[]) => Uint8Array;

const changes: readonly Change[] = [
  // One bit.
  (bytes, at, { value }) => replaced(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (value & 7)))),
  // One byte, any or one at a boundary.
  (bytes, at, { value }) => replaced(bytes, at, 1, Uint8Array.of(value & 0xff)),
  (bytes, at, { value }) => replaced(bytes, at, 1, Uint8Array.of(pick(boundaryBytes, value))),
  // A number at a boundary, 1, 2 or 4 bytes, either order.
  (bytes, at, { value, size }) => {
    const number = numberBytes(pick(boundaryNumbers, value), 1 << (size % 3), (size & 4) === 0);
    return replaced(bytes, at, number.length, number);
  },
  // Less.
  (bytes, at, mutation) => replaced(bytes, at, spanOf(bytes, mutation), new Uint8Array(0)),
  (bytes, at) => bytes.slice(0, at),
  // A part twice, or very often.
  (bytes, at, mutation) => replaced(bytes, at, 0, bytes.subarray(at, at + spanOf(bytes, mutation))),
  (bytes, at, mutation) => {
    const part = bytes.subarray(at, at + 1 + spanOf(bytes, mutation));
    const room = Math.max(0, MAX_INPUT_BYTES - bytes.length);
    const count = Math.min(Math.floor(room / Math.max(1, part.length)), 1 << (mutation.value % 13));
    return replaced(bytes, at, 0, joined(...Array.from({ length: count }, () => part)));
  },
  // Something new in between.
  (bytes, at, { value }) => replaced(bytes, at, 0, pick(tokens, value)),
  (bytes, at, mutation) => replaced(bytes, at, 0, new Uint8Array(spanOf(bytes, mutation)).fill(mutation.value & 0xff)),
  // The rest, or a part, of another input.
  (bytes, at, { value, size }, corpus) => {
    const other = pick(corpus, value);
    return joined(bytes.subarray(0, at), other.subarray(size % (other.length + 1)));
  },
  (bytes, at, { value, size }, corpus) => {
    const other = pick(corpus, value);
    const from = size % (other.length + 1);
    return replaced(bytes, at, 0, other.subarray(from, from + (value % 64)));
  },
];

/** A changed copy of `bytes`, at most MAX_INPUT_BYTES long. `corpus` has at least one entry. */
export function applyMutation(bytes: Uint8Array, mutation: Mutation, corpus: readonly Uint8Array[]): Uint8Array {
  const at = mutation.at % (bytes.length + 1);
  return pick(changes, mutation.kind)(bytes, at, mutation, corpus).slice(0, MAX_INPUT_BYTES);
}

/** Seed `which` of the corpus with all mutations applied in turn. */
export function mutated(corpus: readonly Uint8Array[], which: number, mutations: readonly Mutation[]): Uint8Array {
  let bytes = pick(corpus, which);
  for (const mutation of mutations) bytes = applyMutation(bytes, mutation, corpus);
  return bytes;
}

/** Unsigned 32-bit numbers, the same for the same seed everywhere (xorshift32). */
export function numberSource(seed: number): () => number {
  let state = seed >>> 0 === 0 ? 0x9e3779b9 : seed >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** An input of the corpus with up to eight mutations. */
export function randomInput(corpus: readonly Uint8Array[], next: () => number): Uint8Array {
  const mutations = Array.from({ length: next() % 9 }, () => ({
    kind: next(),
    at: next(),
    size: next(),
    value: next(),
  }));
  return mutated(corpus, next(), mutations);
}
