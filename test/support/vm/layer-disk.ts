import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, writeFileSync, writeSync, closeSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BLOCK = 4096;
const SECTOR = 512;
const HASH_BYTES = 32;
/** Where the first partition starts, in bytes; tools leave a mebibyte. */
const FIRST = 1 << 20;

/** A file system of files, with a tree of hashes behind it. */
export interface VerifiedLayer {
  readonly bytes: Buffer;
  readonly hashOffset: number;
  readonly rootHash: string;
}

/** An erofs image of `files` (content by path), written to `path`. */
export function makeErofs(path: string, files: Readonly<Record<string, string>>): void {
  const content = `${path}.content`;
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(content, name)), { recursive: true });
    writeFileSync(join(content, name), text);
  }
  execFileSync('/usr/bin/mkfs.erofs', ['--quiet', path, content], { stdio: 'pipe' });
}

/** Hash blocks for blocks of data, the top level first, as dm-verity format 1 without salt has them. */
function hashTree(data: Buffer): { readonly tree: Buffer; readonly rootHash: string } {
  const levels: Buffer[] = [];
  let below = data;
  do {
    const hashes: Buffer[] = [];
    for (let offset = 0; offset < below.length; offset += BLOCK)
      hashes.push(
        createHash('sha256')
          .update(below.subarray(offset, offset + BLOCK))
          .digest(),
      );
    const level = Buffer.alloc(Math.ceil((hashes.length * HASH_BYTES) / BLOCK) * BLOCK);
    hashes.forEach((hash, index) => hash.copy(level, index * HASH_BYTES));
    levels.unshift(level);
    below = level;
  } while (below.length > BLOCK);
  return { tree: Buffer.concat(levels), rootHash: createHash('sha256').update(below).digest('hex') };
}

/** A layer with its hashes behind a block for the superblock. */
export function verified(image: string): VerifiedLayer {
  const content = readFileSync(image);
  const data = Buffer.alloc(Math.ceil(content.length / BLOCK) * BLOCK);
  content.copy(data);
  const { tree, rootHash } = hashTree(data);
  return { bytes: Buffer.concat([data, Buffer.alloc(BLOCK), tree]), hashOffset: data.length, rootHash };
}

/** A disk with a GPT whose partitions hold `contents`; gives where each begins, in bytes. */
export function makePartitions(path: string, contents: readonly Buffer[]): number[] {
  const starts: number[] = [];
  let end = FIRST;
  for (const content of contents) {
    starts.push(end);
    end += Math.ceil(content.length / FIRST) * FIRST;
  }
  writeFileSync(path, '');
  truncateSync(path, end + FIRST);
  const lines = starts.map(
    (start, index) => `start=${start / SECTOR}, size=${((starts[index + 1] ?? end) - start) / SECTOR}`,
  );
  execFileSync('/sbin/sfdisk', ['--quiet', path], { input: ['label: gpt', ...lines, ''].join('\n') });
  const disk = openSync(path, 'r+');
  contents.forEach((content, index) => writeSync(disk, content, 0, content.length, starts[index] ?? 0));
  closeSync(disk);
  return starts;
}
