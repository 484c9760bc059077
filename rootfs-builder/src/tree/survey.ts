import { createHash } from 'node:crypto';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { readContent } from './content.ts';
import { contentSize } from './entry.ts';
import type { Content } from './entry.ts';
import type { FileTree } from './file-tree.ts';
import { namedInodes } from './inodes.ts';

/** Unit of holes: the block of every file system here. */
export const HOLE_BLOCK_BYTES = 4096;
const ZERO_BLOCK = Buffer.alloc(HOLE_BLOCK_BYTES);

/** Which blocks of a file hold something, as [first, count] in order. */
export type DataBlocks = readonly (readonly [first: number, count: number])[];

/** What one reading of a whole tree tells. */
export interface Survey {
  /**
   * SHA-256 of all that the tree says and holds, and of the time of entries without one. Identifiers of images come from
   * it: they are the same for the same tree, and differ as soon as a byte does.
   */
  readonly digest: Uint8Array;
  /** By the path of its entry, links apart: files with blocks of zeros. The others have none. */
  readonly sparse: ReadonlyMap<string, DataBlocks>;
}

/** Reads a tree once. `mtime` is the time of entries without one. Throws BuildError when a host file cannot be read. */
export async function surveyTree(tree: FileTree, mtime: number, signal?: AbortSignal): Promise<Survey> {
  const hash = createHash('sha256');
  const sparse = new Map<string, DataBlocks>();
  for (const { path, inode } of namedInodes(tree)) {
    signal?.throwIfAborted();
    const { entry, ino, names } = inode;
    const [first = path] = names;
    const xattrs = [...(entry.xattrs ?? [])].sort(([left], [right]) => (left < right ? -1 : 1));
    const facts = [path, ino, entry.kind, entry.mode, entry.uid, entry.gid, entry.mtime ?? mtime];
    const device = entry.kind === 'char' || entry.kind === 'block' ? [entry.major, entry.minor] : [];
    const target = entry.kind === 'symlink' ? [entry.target] : [];
    // JSON keeps the fields apart, and shows lone surrogates (bytes that are not UTF-8) as escapes.
    hash.update(encodeBytes(JSON.stringify([...facts, ...device, ...target, xattrs.map(([name]) => name)])));
    for (const [, value] of xattrs) hash.update(encodeBytes(`${value.length}:`)).update(value);
    if (entry.kind !== 'file' || first !== path) continue;
    const { digest, blocks } = await surveyContent(entry.content, signal);
    hash.update(digest);
    if (blocks !== undefined) sparse.set(entry.path, blocks);
  }
  return { digest: new Uint8Array(hash.digest()), sparse };
}

async function surveyContent(
  content: Content,
  signal: AbortSignal | undefined,
): Promise<{ digest: Uint8Array; blocks: DataBlocks | undefined }> {
  const hash = createHash('sha256');
  const extents: [number, number][] = [];
  let block = 0;
  let dataBlocks = 0;
  for await (const piece of inBlocks(readContent(content))) {
    signal?.throwIfAborted();
    hash.update(piece);
    for (let at = 0; at < piece.length; at += HOLE_BLOCK_BYTES, block++) {
      const bytes = piece.subarray(at, at + HOLE_BLOCK_BYTES);
      if (Buffer.compare(bytes, ZERO_BLOCK.subarray(0, bytes.length)) === 0) continue;
      dataBlocks++;
      const last = extents.at(-1);
      if (last !== undefined && last[0] + last[1] === block) last[1]++;
      else extents.push([block, 1]);
    }
  }
  const isSparse = dataBlocks < block && contentSize(content) >= HOLE_BLOCK_BYTES;
  return { digest: hash.digest(), blocks: isSparse ? extents : undefined };
}

/** The same bytes in pieces that are whole blocks, but for the last one. */
export async function* inBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  for await (const piece of source) {
    const bytes = held.length === 0 ? piece : Buffer.concat([held, piece]);
    const whole = bytes.length - (bytes.length % HOLE_BLOCK_BYTES);
    if (whole > 0) yield bytes.subarray(0, whole);
    held = bytes.subarray(whole);
  }
  if (held.length > 0) yield held;
}

/** `length` bytes (at most 32) for one use, from a digest; different uses give unrelated bytes. */
export function derivedBytes(digest: Uint8Array, use: string, length: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(use).update('\0').update(digest).digest().subarray(0, length));
}

/** A UUID for one use, from a digest: version 8, the one for values made in ways of one's own (RFC 9562). */
export function derivedUuid(digest: Uint8Array, use: string): Uint8Array {
  const bytes = derivedBytes(digest, use, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}

/** The usual text of a UUID. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
