import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BuildError } from '../../rootfs-builder/src/build-error.ts';
import { parseVerityLine, type VerityParameters } from '../../rootfs-builder/src/verity/parameters.ts';
import { HostError } from './host-error.ts';

/** A part of an open file. */
interface Range {
  readonly fd: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What dm-verity takes, and where its root hash is. */
interface Measured {
  readonly data: Range;
  /** A partition without superblock, or a file that begins with one. */
  readonly hashes: Range | string;
  /** File with the root hash, if it was named. */
  readonly verity: string | undefined;
}

/** Kata's name for the files with root hashes. */
const ROOT_HASH_FILE = /^root_hash_[A-Za-z0-9_.-]+\.txt$/;
/** A line of parameters is shorter. */
const MAX_LINE_BYTES = 4096;

/** Bytes of a file; fewer where it ends. */
export function readAt(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
}

/**
 * The parameters of a measured image. Of the files with root hashes beside the image it is the one whose
 * hash is that of the image's top block; the kernel checks all below it when it reads. Throws HostError when there is none.
 */
export function measure(image: string, { data, hashes, verity }: Measured): VerityParameters {
  if (typeof hashes !== 'string') return parametersOf(image, data, hashes, verity, 0);
  let fd: number;
  try {
    fd = openSync(hashes, 'r');
  } catch (error) {
    throw new HostError(`${hashes}: cannot be read`, { cause: error });
  }
  try {
    return parametersOf(image, data, { fd, offset: 0, lengthBytes: Number.POSITIVE_INFINITY }, verity, 1);
  } finally {
    closeSync(fd);
  }
}

function parametersOf(
  image: string,
  data: Range,
  hashes: Range,
  named: string | undefined,
  start: 0 | 1,
): VerityParameters {
  const found = (named === undefined ? filesBeside(image) : [named]).flatMap((file) => {
    const parameters = readRootHash(file, named !== undefined);
    return parameters !== undefined && belongs(parameters, data, hashes, start) ? [parameters] : [];
  });
  const [verity] = found;
  if (verity === undefined) {
    const what =
      named === undefined
        ? `${image} is measured, and no root_hash_*.txt beside it has its root hash`
        : `${named} does not have the root hash of ${image}`;
    throw new HostError(what, { hint: '--verity FILE names another, --verity none boots without checking' });
  }
  return verity;
}

/** Where the image is named, and where it lies. */
function filesBeside(image: string): string[] {
  const folders = [...new Set([dirname(image), dirname(realpathSync(image))])];
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => ROOT_HASH_FILE.test(name))
      .sort()
      .map((name) => join(folder, name)),
  );
}

/** Of files that only lie beside the image, those that cannot be read are none of its; one that was named must be right. */
function readRootHash(file: string, isNamed: boolean): VerityParameters | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length > MAX_LINE_BYTES) throw new BuildError('too long for verity parameters');
    return parseVerityLine(text);
  } catch (error) {
    if (!isNamed) return undefined;
    throw new HostError(`root hash ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whether the root hash is that of the block at the top of the tree. */
function belongs(verity: VerityParameters, data: Range, hashes: Range, start: 0 | 1): boolean {
  const { rootHash, salt, dataBlocks, dataBlockSize, hashBlockSize } = verity;
  if (dataBlocks * dataBlockSize > data.lengthBytes) return false;
  // A single block is its own tree.
  const top =
    dataBlocks === 1
      ? readAt(data.fd, data.offset, dataBlockSize)
      : readAt(hashes.fd, hashes.offset + start * hashBlockSize, hashBlockSize);
  return createHash('sha256').update(Buffer.from(salt, 'hex')).update(top).digest('hex') === rootHash;
}
