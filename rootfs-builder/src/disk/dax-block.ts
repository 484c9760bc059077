/**
 * The block that makes a kernel take an NVDIMM namespace for one whose pages have descriptors in RAM, so that it can be
 * mapped directly ("DAX"): `struct nd_pfn_sb` of drivers/nvdimm/pfn.h at byte 4096 of the image, checked by a Fletcher sum.
 */
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';

/** Where the block lies in an image, and its length. */
export const DAX_BLOCK_OFFSET = 4096;
export const DAX_BLOCK_BYTES = 4096;
/** Where the data of the namespace begins, and its alignment: a huge page. */
export const DAX_DATA_OFFSET = 2 * 1024 * 1024;

const SIGNATURE = 'NVDIMM_PFN_INFO\0';
/** PFN_MODE_RAM: page descriptors live in the guest's memory. */
const MODE_RAM = 1;
const CHECKSUM_OFFSET = 4088;

/** What the kernel uses of the block. */
export interface DaxBlock {
  readonly dataOffset: number;
  readonly alignment: number;
}

export function encodeDaxBlock({ dataOffset, alignment }: DaxBlock): Uint8Array {
  const block = Buffer.alloc(DAX_BLOCK_BYTES);
  block.set(encodeBytes(SIGNATURE), 0);
  block.writeUInt16LE(0, 52); // major version
  block.writeUInt16LE(2, 54); // minor version
  block.writeBigUInt64LE(BigInt(dataOffset), 56);
  block.writeUInt32LE(MODE_RAM, 72);
  block.writeUInt32LE(alignment, 84);
  block.writeBigUInt64LE(fletcher64(block), CHECKSUM_OFFSET);
  return block;
}

/** Reads a block. Throws BuildError when it is none, or its sum is wrong. */
export function decodeDaxBlock(bytes: Uint8Array): DaxBlock {
  if (bytes.length < DAX_BLOCK_BYTES) throw new BuildError(`DAX block: only ${bytes.length} bytes`);
  const block = Buffer.from(bytes.subarray(0, DAX_BLOCK_BYTES));
  if (decodeBytes(block.subarray(0, 16)) !== SIGNATURE) throw new BuildError('DAX block: no signature');
  const sum = block.readBigUInt64LE(CHECKSUM_OFFSET);
  block.writeBigUInt64LE(0n, CHECKSUM_OFFSET);
  if (fletcher64(block) !== sum) throw new BuildError('DAX block: wrong checksum');
  if (block.readUInt32LE(72) !== MODE_RAM) throw new BuildError(`DAX block: mode ${block.readUInt32LE(72)}`);
  return { dataOffset: Number(block.readBigUInt64LE(56)), alignment: block.readUInt32LE(84) };
}

/** Sum of 32-bit words in the low half, sum of those sums in the high half. */
export function fletcher64(bytes: Uint8Array): bigint {
  const words = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let low = 0;
  let high = 0n;
  for (let offset = 0; offset + 4 <= words.length; offset += 4) {
    low = (low + words.readUInt32LE(offset)) >>> 0;
    high += BigInt(low);
  }
  return BigInt.asUintN(64, (high << 32n) | BigInt(low));
}
