/**
 * The hash tree of dm-verity, version 1 (Documentation/admin-guide/device-mapper/verity.rst): each data block is hashed
 * with the salt before it, 128 hashes make a block of the next level, until one block is left, whose hash is the root.
 * The hash device holds the levels from the top one down.
 */
import { createHash } from 'node:crypto';
import { BuildError } from '../build-error.ts';

export const VERITY_BLOCK_BYTES = 4096;
const DIGEST_BYTES = 32;
const HASHES_PER_BLOCK = VERITY_BLOCK_BYTES / DIGEST_BYTES;

/** A finished tree. */
export interface HashTree {
  readonly rootHash: Uint8Array;
  readonly dataBlocks: number;
  /** All levels in the order of the device. */
  readonly bytes: Uint8Array;
}

/** Bytes of the tree over `dataBlocks` blocks. */
export function hashTreeBytes(dataBlocks: number): number {
  return levelSizes(dataBlocks).reduce((sum, blocks) => sum + blocks * VERITY_BLOCK_BYTES, 0);
}

/** Blocks of each level, lowest first; none when the root hash is that of the only data block. */
function levelSizes(dataBlocks: number): number[] {
  const sizes: number[] = [];
  for (let blocks = dataBlocks; blocks > 1;) {
    blocks = Math.ceil(blocks / HASHES_PER_BLOCK);
    sizes.push(blocks);
  }
  return sizes;
}

/** Takes the data in pieces of any length and makes its tree. */
export class HashTreeBuilder {
  readonly #salt: Uint8Array;
  readonly #digests: Uint8Array[] = [];
  readonly #held = Buffer.alloc(VERITY_BLOCK_BYTES);
  #heldBytes = 0;
  /** Most blocks of an image are zeros: hash them once. */
  readonly #zeroDigest: Uint8Array;

  constructor(salt: Uint8Array) {
    if (salt.length > 256) throw new BuildError(`verity: a salt of ${salt.length} bytes; at most 256 are possible`);
    this.#salt = salt;
    this.#zeroDigest = this.#hash(ZERO_BLOCK);
  }

  push(piece: Uint8Array): void {
    let at = 0;
    if (this.#heldBytes > 0) {
      at = Math.min(piece.length, VERITY_BLOCK_BYTES - this.#heldBytes);
      this.#held.set(piece.subarray(0, at), this.#heldBytes);
      this.#heldBytes += at;
      if (this.#heldBytes < VERITY_BLOCK_BYTES) return;
      this.#add(this.#held);
      this.#heldBytes = 0;
    }
    for (; at + VERITY_BLOCK_BYTES <= piece.length; at += VERITY_BLOCK_BYTES)
      this.#add(piece.subarray(at, at + VERITY_BLOCK_BYTES));
    this.#held.set(piece.subarray(at));
    this.#heldBytes = piece.length - at;
  }

  /** Throws BuildError when the data was empty or did not end with a whole block. */
  finish(): HashTree {
    if (this.#heldBytes > 0 || this.#digests.length === 0)
      throw new BuildError(`verity: the data must be whole blocks of ${VERITY_BLOCK_BYTES} bytes, and not empty`);
    const levels: Uint8Array[] = [];
    let digests: readonly Uint8Array[] = this.#digests;
    while (digests.length > 1) {
      const level = new Uint8Array(Math.ceil(digests.length / HASHES_PER_BLOCK) * VERITY_BLOCK_BYTES);
      for (const [index, digest] of digests.entries()) level.set(digest, index * DIGEST_BYTES);
      levels.unshift(level);
      const blocks = level.length / VERITY_BLOCK_BYTES;
      digests = Array.from({ length: blocks }, (_, index) =>
        this.#hash(level.subarray(index * VERITY_BLOCK_BYTES, (index + 1) * VERITY_BLOCK_BYTES)),
      );
    }
    const [rootHash = new Uint8Array(DIGEST_BYTES)] = digests;
    return { rootHash, dataBlocks: this.#digests.length, bytes: new Uint8Array(Buffer.concat(levels)) };
  }

  #add(block: Uint8Array): void {
    this.#digests.push(Buffer.compare(block, ZERO_BLOCK) === 0 ? this.#zeroDigest : this.#hash(block));
  }

  #hash(block: Uint8Array): Uint8Array {
    return createHash('sha256').update(this.#salt).update(block).digest();
  }
}

const ZERO_BLOCK = Buffer.alloc(VERITY_BLOCK_BYTES);
