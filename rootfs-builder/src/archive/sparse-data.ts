import type { SparseMap } from './sparse-map.ts';

/** A piece of a file: bytes, or as many zeros as no byte is stored for. */
export type SparsePiece =
  { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'hole'; readonly lengthBytes: number };

/** Puts the stored bytes of a sparse file, which come in pieces of any length, between its holes. */
export class SparseData {
  readonly #map: SparseMap;
  #region = 0;
  /** Up to where the file was told. */
  #position = 0;
  #done = 0;

  constructor(map: SparseMap) {
    this.#map = map;
  }

  /** What the next stored bytes bring; there must not be more than the map has room for. */
  *push(bytes: Uint8Array): Generator<SparsePiece> {
    const { regions } = this.#map;
    for (let at = 0; at < bytes.length;) {
      const offset = regions[this.#region] ?? 0;
      const length = regions[this.#region + 1] ?? 0;
      yield* this.#holeUpTo(offset + this.#done);
      const piece = bytes.subarray(at, at + length - this.#done);
      yield { kind: 'data', bytes: piece };
      at += piece.length;
      this.#done += piece.length;
      this.#position += piece.length;
      if (this.#done < length) continue;
      this.#region += 2;
      this.#done = 0;
    }
  }

  /** The hole at the end of the file, if there is one. */
  *end(): Generator<SparsePiece> {
    yield* this.#holeUpTo(this.#map.realBytes);
  }

  *#holeUpTo(offset: number): Generator<SparsePiece> {
    const lengthBytes = offset - this.#position;
    this.#position = offset;
    if (lengthBytes > 0) yield { kind: 'hole', lengthBytes };
  }
}
