import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What is read of an image at once, in bytes: some are larger than a buffer can be. */
const PIECE_BYTES = 1 << 20;

/** Every file below a folder with its digest; other names, folders among them, with `folder`. */
export function digestsBelow(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found[relative(folder, path)] = entry.isFile() ? digest(path) : 'folder';
  }
  return found;
}

function digest(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let count = -1; count !== 0;) {
      count = readSync(file, piece);
      hash.update(piece.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
