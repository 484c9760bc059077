/** The superblock that veritysetup writes before a hash tree, 512 bytes, little endian (cryptsetup's wiki, DMVerity). */
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { VERITY_BLOCK_BYTES } from './hash-tree.ts';

export const SUPERBLOCK_BYTES = 512;
const SIGNATURE = 'verity\0\0';

/** What a superblock says. Hash type 1 and sha256 are what we write; others are refused when read. */
export interface VeritySuperblock {
  readonly uuid: Uint8Array;
  readonly dataBlockSize: number;
  readonly hashBlockSize: number;
  readonly dataBlocks: number;
  readonly salt: Uint8Array;
}

/** The superblock, padded to a hash block: the tree begins at the next one. */
export function encodeVeritySuperblock(superblock: VeritySuperblock): Uint8Array {
  const { uuid, dataBlockSize, hashBlockSize, dataBlocks, salt } = superblock;
  const bytes = Buffer.alloc(VERITY_BLOCK_BYTES);
  bytes.set(encodeBytes(SIGNATURE), 0);
  bytes.writeUInt32LE(1, 8); // superblock version
  bytes.writeUInt32LE(1, 12); // hash type: salt first, as Chrome OS's type 0 has not
  bytes.set(uuid, 16);
  bytes.set(encodeBytes('sha256'), 32);
  bytes.writeUInt32LE(dataBlockSize, 64);
  bytes.writeUInt32LE(hashBlockSize, 68);
  bytes.writeBigUInt64LE(BigInt(dataBlocks), 72);
  bytes.writeUInt16LE(salt.length, 80);
  bytes.set(salt, 88);
  return bytes;
}

/** Reads a superblock. Throws BuildError when it is none, or one of a kind that we do not write. */
export function decodeVeritySuperblock(bytes: Uint8Array): VeritySuperblock {
  const refuse = (what: string): never => {
    throw new BuildError(`verity superblock: ${what}`);
  };
  if (bytes.length < SUPERBLOCK_BYTES) return refuse(`only ${bytes.length} bytes`);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (decodeBytes(view.subarray(0, 8)) !== SIGNATURE) return refuse('no signature');
  if (view.readUInt32LE(8) !== 1 || view.readUInt32LE(12) !== 1) return refuse('unknown version or hash type');
  const algorithm = decodeBytes(view.subarray(32, 64)).replace(/\0.*$/s, '');
  if (algorithm !== 'sha256') return refuse(`unknown algorithm ${JSON.stringify(algorithm)}`);
  const saltBytes = view.readUInt16LE(80);
  if (saltBytes > 256) return refuse(`a salt of ${saltBytes} bytes`);
  const dataBlockSize = view.readUInt32LE(64);
  const hashBlockSize = view.readUInt32LE(68);
  for (const size of [dataBlockSize, hashBlockSize])
    if (size < 512 || size > 524_288 || (size & (size - 1)) !== 0) return refuse(`block size ${size}`);
  const dataBlocks = view.readBigUInt64LE(72);
  if (dataBlocks === 0n || dataBlocks > BigInt(Number.MAX_SAFE_INTEGER)) return refuse(`${dataBlocks} data blocks`);
  return {
    uuid: new Uint8Array(view.subarray(16, 32)),
    dataBlockSize,
    hashBlockSize,
    dataBlocks: Number(dataBlocks),
    salt: new Uint8Array(view.subarray(88, 88 + saltBytes)),
  };
}
