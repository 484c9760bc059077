import { BuildError } from '../build-error.ts';

/** Reads an LZ4 block of which the length of the result is known. Throws BuildError for one that is damaged. */
export function decompressBlock(block: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let at = 0;
  let filled = 0;
  const take = (): number => {
    const byte = block[at++];
    if (byte === undefined) throw new BuildError('lz4: the block is cut off');
    return byte;
  };
  const lengthOf = (bits: number): number => {
    let sum = bits;
    if (bits === 15) {
      for (let byte = 255; byte === 255; sum += byte) byte = take();
    }
    return sum;
  };
  for (;;) {
    const token = take();
    const literals = lengthOf(token >> 4);
    if (at + literals > block.length || filled + literals > length)
      throw new BuildError('lz4: literals beyond the end');
    output.set(block.subarray(at, at + literals), filled);
    at += literals;
    filled += literals;
    if (at === block.length) break;
    const distance = take() | (take() << 8);
    const match = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > filled || filled + match > length)
      throw new BuildError('lz4: a match beyond the ends');
    // Byte by byte: a match may overlap itself.
    for (let index = 0; index < match; index++, filled++) output[filled] = output[filled - distance] ?? 0;
  }
  if (filled !== length) throw new BuildError(`lz4: a block of ${filled} bytes; ${length} were expected`);
  return output;
}
