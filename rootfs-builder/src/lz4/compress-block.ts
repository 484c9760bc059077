/**
 * LZ4 blocks (LZ4 block format description): sequences of a token, literals, a 16-bit distance and a match, the last one of
 * literals only. Written for a given size of the result: as much input as fits goes in, which is what EROFS needs.
 */

const MIN_MATCH = 4;
/** The block's last bytes must be literals, and the last match must begin this far before the end. */
const LAST_LITERALS = 5;
const MATCH_FREE_END = 12;
const MAX_DISTANCE = 0xffff;
const HASH_BITS = 15;
/** Candidates that are looked at for each match: more find longer ones and take longer. */
const DEPTH = 24;
/** A match of this length is taken without looking for a better one. */
const GOOD_LENGTH = 64;

/** Tables that all blocks of one buffer share; positions are those in the buffer. */
export class Lz4Tables {
  readonly head = new Int32Array(1 << HASH_BITS).fill(-1);
  /** By position modulo 2^16: the position before it with the same hash. */
  readonly chain = new Int32Array(MAX_DISTANCE + 1);

  /** Must be called when the buffer's bytes move. */
  reset(): void {
    this.head.fill(-1);
  }
}

/** What went into a block. */
export interface Lz4Block {
  /** Bytes of the input. */
  readonly consumed: number;
  /** Bytes of the output. */
  readonly length: number;
}

/**
 * Compresses from `start` up to `end` of `input` until `output` is full. Matches reach back to `start` at most, so that
 * the block stands alone.
 */
export function compressBlock(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  tables: Lz4Tables,
): Lz4Block {
  const room = output.length;
  const lastMatchStart = end - MATCH_FREE_END;
  const matchEnd = end - LAST_LITERALS;
  let written = 0;
  let anchor = start;
  for (let at = start; at <= lastMatchStart;) {
    if (written + runBytes(at - anchor) > room) break;
    let { length, from } = longestMatch(input, start, at, matchEnd, tables);
    if (length < MIN_MATCH) {
      at++;
      continue;
    }
    // A byte later may begin a match that is longer by more than that byte.
    while (length < GOOD_LENGTH && at < lastMatchStart) {
      const next = longestMatch(input, start, at + 1, matchEnd, tables);
      if (next.length <= length + 1) break;
      at++;
      ({ length, from } = next);
    }
    const closing = Math.max(LAST_LITERALS, MATCH_FREE_END - length);
    if (written + sequenceBytes(at - anchor, length) + runBytes(closing) > room) break;
    written = putSequence(input, anchor, at, at - from, length, output, written);
    for (let index = at + 2; index < at + length && index <= lastMatchStart; index++) insert(input, index, tables);
    at += length;
    anchor = at;
  }
  const literals = Math.min(end - anchor, longestRun(room - written));
  written = putRun(input, anchor, literals, 0, output, written);
  return { consumed: anchor + literals - start, length: written };
}

function hashAt(input: Uint8Array, at: number): number {
  const word =
    (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16) | ((input[at + 3] ?? 0) << 24);
  return Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS);
}

function insert(input: Uint8Array, at: number, { head, chain }: Lz4Tables): void {
  const hash = hashAt(input, at);
  const before = head[hash] ?? -1;
  if (before === at) return; // looked at before
  chain[at & MAX_DISTANCE] = before;
  head[hash] = at;
}

/** The longest match at `at` among the candidates, and its place; length 0 when there is none. Enters `at` into the tables. */
function longestMatch(
  input: Uint8Array,
  start: number,
  at: number,
  matchEnd: number,
  tables: Lz4Tables,
): { length: number; from: number } {
  insert(input, at, tables);
  let length = MIN_MATCH - 1;
  let from = -1;
  let candidate = tables.chain[at & MAX_DISTANCE] ?? -1;
  for (let depth = 0; depth < DEPTH; depth++) {
    if (candidate < start || candidate >= at || at - candidate > MAX_DISTANCE) break;
    if (input[candidate + length] === input[at + length]) {
      let same = 0;
      while (at + same < matchEnd && input[candidate + same] === input[at + same]) same++;
      if (same > length) {
        length = same;
        from = candidate;
        if (at + length >= matchEnd) break;
      }
    }
    const next = tables.chain[candidate & MAX_DISTANCE] ?? -1;
    if (next >= candidate) break; // its slot has been taken by a later position
    candidate = next;
  }
  return from === -1 ? { length: 0, from } : { length, from };
}

/** Bytes that a length takes beyond its four bits of the token. */
function extraBytes(length: number): number {
  return length < 15 ? 0 : 1 + Math.floor((length - 15) / 255);
}

/** Bytes of a last sequence with that many literals. */
function runBytes(literals: number): number {
  return 1 + extraBytes(literals) + literals;
}

function sequenceBytes(literals: number, length: number): number {
  return runBytes(literals) + 2 + extraBytes(length - MIN_MATCH);
}

/** Literals of a last sequence that takes no more than `room` bytes. */
function longestRun(room: number): number {
  let literals = Math.max(0, room - 1 - extraBytes(room));
  while (runBytes(literals + 1) <= room) literals++;
  return literals;
}

function putRun(
  input: Uint8Array,
  from: number,
  literals: number,
  matchBits: number,
  output: Uint8Array,
  at: number,
): number {
  output[at] = (Math.min(15, literals) << 4) | matchBits;
  const next = putExtra(literals, output, at + 1);
  output.set(input.subarray(from, from + literals), next);
  return next + literals;
}

function putSequence(
  input: Uint8Array,
  anchor: number,
  at: number,
  distance: number,
  length: number,
  output: Uint8Array,
  written: number,
): number {
  const next = putRun(input, anchor, at - anchor, Math.min(15, length - MIN_MATCH), output, written);
  output[next] = distance & 0xff;
  output[next + 1] = distance >> 8;
  return putExtra(length - MIN_MATCH, output, next + 2);
}

function putExtra(length: number, output: Uint8Array, at: number): number {
  if (length < 15) return at;
  let rest = length - 15;
  let next = at;
  for (; rest >= 255; rest -= 255) output[next++] = 255;
  output[next++] = rest;
  return next;
}
