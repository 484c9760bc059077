import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const PIECE_BYTES = 1024 * 1024;

/** Copies a file, leaving holes where it has blocks of zeros, and gives its SHA-256. `to` must not exist. */
export async function copySparse(from: string, to: string, signal?: AbortSignal): Promise<string> {
  await using source = await open(from, 'r');
  await using target = await open(to, 'wx', 0o644);
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE_BYTES);
  let offset = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await source.read(piece, 0, PIECE_BYTES, offset);
    if (bytesRead === 0) break;
    const bytes = piece.subarray(0, bytesRead);
    hash.update(bytes);
    if (!isZero(bytes)) await target.write(bytes, 0, bytesRead, offset);
    offset += bytesRead;
  }
  await target.truncate(offset);
  return hash.digest('hex');
}

function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1));
}
