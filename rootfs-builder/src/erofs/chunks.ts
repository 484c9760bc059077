/**
 * Files with holes in EROFS: a map after the inode tells for each chunk of the file its first block, or that it is a hole
 * (fs/erofs/erofs_fs.h, chunk-based inodes with a block map; Linux 5.15).
 */
import { BLOCK_BYTES } from './superblock.ts';
import type { DataBlocks } from '../tree/survey.ts';

export const HOLE_ADDRESS = 0xffff_ffff;
const ADDRESS_BYTES = 4;
/** A longer map would cost more than the finer holes save. */
const MAX_CHUNKS = 65_536;
/** Fewer zeros than this are not worth a map: pages of zeros stand in many programs. */
const MIN_HOLE_BLOCKS = 16;

/** How a file is cut. */
export interface ChunkPlan {
  /** A chunk has 2^bits blocks. */
  readonly bits: number;
  /** Whether each chunk has data. */
  readonly used: readonly boolean[];
  readonly mapBytes: number;
}

/** The plan of a file with these data blocks, or undefined when it has too few zeros for one. */
export function planChunks(sizeBytes: number, data: DataBlocks): ChunkPlan | undefined {
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
  const dataBlocks = data.reduce((sum, [, count]) => sum + count, 0);
  if (blocks - dataBlocks < MIN_HOLE_BLOCKS) return undefined;
  let bits = 0;
  while (Math.ceil(blocks / 2 ** bits) > MAX_CHUNKS) bits++;
  const used = new Array<boolean>(Math.ceil(blocks / 2 ** bits)).fill(false);
  for (const [first, count] of data)
    used.fill(true, Math.floor(first / 2 ** bits), Math.floor((first + count - 1) / 2 ** bits) + 1);
  return { bits, used, mapBytes: used.length * ADDRESS_BYTES };
}

/** Blocks that the data of all chunks takes; the last chunk ends with the file. */
export function chunkRuns({ bits, used }: ChunkPlan, sizeBytes: number): { blocks: number } {
  const perChunk = 2 ** bits;
  const total = Math.ceil(sizeBytes / BLOCK_BYTES);
  const blocks = used.reduce(
    (sum, isUsed, index) => sum + (isUsed ? Math.min(perChunk, total - index * perChunk) : 0),
    0,
  );
  return { blocks };
}

/** The map, when the data begins at `firstBlock`. */
export function encodeChunkMap({ bits, used, mapBytes }: ChunkPlan, firstBlock: number): Uint8Array {
  const map = Buffer.alloc(mapBytes);
  let block = firstBlock;
  for (const [index, isUsed] of used.entries()) {
    map.writeUInt32LE(isUsed ? block : HOLE_ADDRESS, index * ADDRESS_BYTES);
    if (isUsed) block += 2 ** bits;
  }
  return map;
}

/** Of a stream that is the whole file in whole blocks, what lies in chunks with data. */
export async function* withoutHoles(
  source: AsyncIterable<Uint8Array>,
  { bits, used }: ChunkPlan,
): AsyncGenerator<Uint8Array> {
  const chunkBytes = BLOCK_BYTES * 2 ** bits;
  let position = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      const end = Math.min(piece.length, at + chunkBytes - ((position + at) % chunkBytes));
      if (used[Math.floor((position + at) / chunkBytes)] === true) yield piece.subarray(at, end);
      at = end;
    }
    position += piece.length;
  }
}
