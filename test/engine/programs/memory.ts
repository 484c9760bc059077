/** The copies of agent/engine/memory.c, through the methods that use them, and the limits of the heap. */
import { check, checkEqual } from '../../support/engine/checks.ts';

/** A generator of numbers below `bound` that is the same in every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * bound);
  };
}

function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + seed) & 0xff;
  return bytes;
}

/** What a copy must give, byte by byte from a copy of the source. */
function expectedCopy(bytes: Uint8Array, to: number, from: number, length: number): number[] {
  const result = [...bytes];
  for (let index = 0; index < length; index++) result[to + index] = bytes[from + index] ?? 0;
  return result;
}

function firstDifference(bytes: Uint8Array, expected: readonly number[]): number {
  return bytes.findIndex((byte, index) => byte !== expected[index]);
}

function overlappingCopies(): void {
  const pick = numbers(1);
  // All small sizes with all small distances, then random ones up to past the largest short copy.
  const cases: [to: number, from: number, length: number][] = [];
  for (let length = 0; length <= 40; length++)
    for (const distance of [-40, -17, -16, -15, -9, -8, -7, -4, -2, -1, 0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 40])
      cases.push([40 + distance, 40, length]);
  for (let round = 0; round < 400; round++) cases.push([pick(700), pick(700), pick(600)]);
  const wrong = cases.filter(([to, from, length]) => {
    const bytes = pattern(1400, length);
    const expected = expectedCopy(bytes, to, from, length);
    bytes.copyWithin(to, from, from + length);
    return firstDifference(bytes, expected) >= 0;
  });
  checkEqual('overlapping copies move every byte (memmove)', wrong, []);
}

function separateCopies(): void {
  const pick = numbers(2);
  let wrong = 0;
  for (let round = 0; round < 600; round++) {
    const length = round < 300 ? round : pick(70_000);
    const offset = pick(9);
    const source = pattern(length + offset, round).subarray(offset);
    const target = new Uint8Array(length + 32).fill(0xaa);
    const at = pick(16);
    target.set(source, at);
    const isCopied = source.every((byte, index) => target[at + index] === byte);
    const isAround = target.subarray(0, at).every((byte) => byte === 0xaa) && target[at + length] === 0xaa;
    const slice = source.slice();
    if (!isCopied || !isAround || slice.some((byte, index) => byte !== source[index])) wrong += 1;
  }
  checkEqual('separate copies write every byte and nothing beside (memcpy)', wrong, 0);
}

/** Buffers that were written to and let go are given out again. */
function freshBuffers(): void {
  const dirty = [16, 500, 600, 4000, 4096, 10_000, 65_536, 131_072, 131_200, 400_000].filter((length) => {
    for (let round = 0; round < 12; round++) {
      const bytes = new Uint8Array(length);
      if (bytes.some((byte) => byte !== 0)) return true;
      bytes.fill(0xff);
    }
    return false;
  });
  checkEqual('a new buffer is all zeros, whatever was there before', dirty, []);
}

/** Takes memory until none is left, in pieces of the given size. Gives what was thrown and how much there was. */
function exhaust(pieceBytes: number): { readonly thrown: unknown; readonly taken: number } {
  const kept: unknown[] = [];
  try {
    for (;;) kept.push(new Uint8Array(pieceBytes));
  } catch (thrown) {
    const pieces = kept.length;
    // Even the answer needs memory.
    kept.length = 0;
    return { thrown, taken: pieces * pieceBytes };
  }
}

/** An error of the engine's own, or null when even that could not be built. */
function isOutOfMemory(thrown: unknown): boolean {
  return thrown === null || String(thrown).includes('out of memory');
}

export function memoryChecks(): void {
  overlappingCopies();
  separateCopies();
  freshBuffers();
  const large = exhaust(1 << 20);
  check('the heap ends below 64 MiB', large.taken > 48 << 20 && large.taken < 64 << 20, `${large.taken}`);
  check('out of memory can be caught', isOutOfMemory(large.thrown), String(large.thrown));
  const small = exhaust(32);
  check('also when nothing is left for the error', isOutOfMemory(small.thrown), String(small.thrown));
  let isThrown = false;
  try {
    new Uint8Array(80 << 20);
  } catch {
    isThrown = true;
  }
  check('one piece beyond the limit is refused', isThrown);
  checkEqual('and the program goes on', JSON.parse(JSON.stringify({ text: 'x'.repeat(100_000) })), {
    text: 'x'.repeat(100_000),
  });
  const depth = (level: number): number => depth(level + 1) + 1;
  let overflow: unknown;
  try {
    depth(0);
  } catch (error) {
    overflow = error;
  }
  check('endless recursion is an error', overflow instanceof RangeError, String(overflow));
}
