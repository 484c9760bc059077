import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VerityParameters, VerityRequest } from '../format/format.ts';
import type { Staging } from '../output/staging.ts';
import { derivedBytes, derivedUuid } from '../tree/survey.ts';
import { HashTreeBuilder, VERITY_BLOCK_BYTES } from './hash-tree.ts';
import type { HashTree } from './hash-tree.ts';
import { checkVerityRequest, verityLine } from './parameters.ts';
import { encodeVeritySuperblock } from './superblock.ts';

const SALT_BYTES = 32;

/** A salt for the tree: the wanted one, or one that depends on the content. Throws BuildError when it is none. */
export function saltOf(request: VerityRequest, digest: Uint8Array): Uint8Array {
  checkVerityRequest(request);
  return request.salt === undefined
    ? derivedBytes(digest, 'verity salt', SALT_BYTES)
    : new Uint8Array(Buffer.from(request.salt, 'hex'));
}

export function parametersOf(tree: HashTree, salt: Uint8Array): VerityParameters {
  return {
    rootHash: Buffer.from(tree.rootHash).toString('hex'),
    salt: Buffer.from(salt).toString('hex'),
    dataBlocks: tree.dataBlocks,
    dataBlockSize: VERITY_BLOCK_BYTES,
    hashBlockSize: VERITY_BLOCK_BYTES,
  };
}

/** Writes `root_hash_<variant>.txt` beside the output. */
export async function writeRootHash(
  staging: Staging,
  request: VerityRequest,
  verity: VerityParameters,
  output: string,
): Promise<void> {
  await writeFile(staging.path('root-hash'), `${verityLine(verity)}\n`);
  staging.keep('root-hash', join(dirname(output), `root_hash_${request.variant}.txt`));
}

/** Hashes the staged image into `<output>.verity`, superblock first, and writes the root hash. */
export async function writeVerityFile(
  staging: Staging,
  request: VerityRequest,
  digest: Uint8Array,
  output: string,
  signal: AbortSignal | undefined,
): Promise<VerityParameters> {
  const salt = saltOf(request, digest);
  const builder = new HashTreeBuilder(salt);
  for await (const piece of createReadStream(staging.path('image'), { highWaterMark: 1024 * 1024 })) {
    signal?.throwIfAborted();
    builder.push(piece as Uint8Array);
  }
  const tree = builder.finish();
  const superblock = encodeVeritySuperblock({
    uuid: derivedUuid(digest, 'verity'),
    dataBlockSize: VERITY_BLOCK_BYTES,
    hashBlockSize: VERITY_BLOCK_BYTES,
    dataBlocks: tree.dataBlocks,
    salt,
  });
  await writeFile(staging.path('verity'), Buffer.concat([superblock, tree.bytes]));
  staging.keep('verity', `${output}.verity`);
  const verity = parametersOf(tree, salt);
  await writeRootHash(staging, request, verity, output);
  return verity;
}
