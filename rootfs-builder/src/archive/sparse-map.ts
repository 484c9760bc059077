/**
 * Where the stored bytes of a sparse file belong. GNU tar stores only the regions with data, one after the other, and a map of
 * them (GNU tar manual, "Storing Sparse Files"). Maps come from outside: nothing in them is believed before `checkSparseMap`.
 */
import { BuildError } from '../build-error.ts';
import { BLOCK_BYTES, tarNumber } from './tar-header.ts';

/** Regions of one file; far more than any file system makes, and all of them are held in memory. */
export const MAX_REGIONS = 250_000;
/** Digits of the largest number that tar writes (64 bits). */
const MAX_DIGITS = 20;

/** Offset and length of each region, one after the other: one array of numbers, as there may be many. */
export type RegionNumbers = readonly number[];

/** A map that was checked: regions in order, apart from each other, within the file, and as long as what is stored. */
export interface SparseMap {
  /** The size the file has when it is unpacked. */
  readonly realBytes: number;
  readonly regions: RegionNumbers;
}

/**
 * Checks what an archive says of a sparse file of which it stores `storedBytes`. Regions must be whole blocks but for the last
 * one: between others, readers do not agree whether padding follows. Throws BuildError for everything else.
 */
export function checkSparseMap(regions: RegionNumbers, realBytes: number, storedBytes: number): SparseMap {
  const refuse = (what: string): never => {
    throw new BuildError(`tar: a sparse file's map ${what}`);
  };
  if (regions.length % 2 !== 0) refuse('ends after an offset');
  if (regions.length > 2 * MAX_REGIONS) refuse(`has more than ${MAX_REGIONS} regions`);
  const kept: number[] = [];
  let end = 0;
  let total = 0;
  for (let at = 0; at < regions.length; at += 2) {
    const offset = regions[at] ?? 0;
    const length = regions[at + 1] ?? 0;
    if (offset < end) refuse(`has overlapping or unsorted regions (${offset} after ${end})`);
    end = offset + length;
    if (!Number.isSafeInteger(end) || end > realBytes)
      refuse(`has a region up to byte ${end} of a file of ${realBytes} bytes`);
    if (length === 0) continue; // GNU tar marks the end of a file with one
    if (total % BLOCK_BYTES !== 0) refuse('has a region that is no whole blocks before another');
    total += length;
    kept.push(offset, length);
  }
  if (total !== storedBytes) refuse(`has regions of ${total} bytes, but ${storedBytes} are stored`);
  return { realBytes, regions: kept };
}

/** The regions in a block of the old GNU format: `count` pairs of twelve-byte numbers from `start` on, an empty one ending them. */
export function regionsInBlock(block: Uint8Array, start: number, count: number): number[] {
  const numbers: number[] = [];
  for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24)
    numbers.push(tarNumber(block, at, 12, 'sparse offset'), tarNumber(block, at + 12, 12, 'sparse length'));
  return numbers;
}

/** Reads the map of format 1.0, which stands in blocks before the data: a count, then the pairs, each decimal on its own line. */
export class SparseMapText {
  readonly #numbers: number[] = [];
  #count: number | undefined;
  #digits = '';

  /** Takes one block; true when the map is complete, the rest of the block being padding. Throws BuildError for no number. */
  push(block: Uint8Array): boolean {
    for (const byte of block) {
      if (this.#isComplete()) return true;
      if (byte >= 0x30 && byte <= 0x39 && this.#digits.length < MAX_DIGITS) this.#digits += String.fromCharCode(byte);
      else if (byte === 0x0a) this.#line();
      else throw new BuildError("tar: a sparse file's map has a line that is no number");
    }
    return this.#isComplete();
  }

  get regions(): RegionNumbers {
    return this.#numbers;
  }

  #line(): void {
    const number = sparseNumber(this.#digits);
    this.#digits = '';
    if (this.#count !== undefined) this.#numbers.push(number);
    else if (number > MAX_REGIONS)
      throw new BuildError(`tar: a sparse file's map has more than ${MAX_REGIONS} regions`);
    else this.#count = number;
  }

  #isComplete(): boolean {
    return this.#count !== undefined && this.#numbers.length === this.#count * 2;
  }
}

/** A decimal number of a map. Throws BuildError for a sign, nothing, or more than 2^53. */
export function sparseNumber(text: string): number {
  const number = Number(text);
  if (!/^[0-9]{1,20}$/.test(text) || !Number.isSafeInteger(number))
    throw new BuildError(`tar: a sparse file's map has a wrong number ${JSON.stringify(text.slice(0, 40))}`);
  return number;
}
