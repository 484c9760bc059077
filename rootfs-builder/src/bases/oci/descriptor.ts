import { createHash } from 'node:crypto';
import { BuildError } from '../../build-error.ts';
import type { BlobSource } from './blob-source.ts';
import { readDocument } from './blob-source.ts';
import type { Json } from './document.ts';
import { isObject, own, parseDocument, textOf } from './document.ts';

/** A reference to a blob (OCI image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly algorithm: 'sha256' | 'sha512';
  /** In hexadecimal. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly platform?: Json;
  readonly annotations: Json;
}

const HASH_LENGTHS = { sha256: 64, sha512: 128 } as const;

/** Reads a descriptor. A digest becomes part of a path, so it must be one of the two known forms to the letter. */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw new BuildError(`${what}: a descriptor is not an object`);
  const digest = textOf(value, 'digest') ?? '';
  const sizeBytes = own(value, 'size');
  const { algorithm, hash } = parseDigest(digest, what);
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw new BuildError(`${what}: ${digest} has no size`);
  const platform = own(value, 'platform');
  const annotations = own(value, 'annotations');
  return {
    mediaType: textOf(value, 'mediaType') ?? '',
    algorithm,
    hash,
    sizeBytes,
    ...(isObject(platform) ? { platform } : {}),
    annotations: isObject(annotations) ? annotations : {},
  };
}

/** Takes `sha256:HEX` or `sha512:HEX` apart. */
export function parseDigest(digest: string, what: string): Pick<Descriptor, 'algorithm' | 'hash'> {
  const [algorithm, hash = ''] = digest.split(':', 2);
  if (algorithm !== 'sha256' && algorithm !== 'sha512')
    throw new BuildError(`${what}: ${JSON.stringify(digest.slice(0, 80))} is no digest of sha256 or sha512`);
  if (!/^[0-9a-f]+$/.test(hash) || hash.length !== HASH_LENGTHS[algorithm] || digest !== `${algorithm}:${hash}`)
    throw new BuildError(`${what}: ${JSON.stringify(digest.slice(0, 160))} is a malformed digest`);
  return { algorithm, hash };
}

/** Name of a blob in a layout. */
export function blobName({ algorithm, hash }: Pick<Descriptor, 'algorithm' | 'hash'>): string {
  return `blobs/${algorithm}/${hash}`;
}

/** The bytes of a stream, which must have a digest; it is known to be wrong only at the end. */
export async function* checkingDigest(
  source: AsyncIterable<Uint8Array>,
  { algorithm, hash }: Pick<Descriptor, 'algorithm' | 'hash'>,
  what: string,
): AsyncGenerator<Uint8Array> {
  const actual = createHash(algorithm);
  for await (const piece of source) {
    actual.update(piece);
    yield piece;
  }
  const found = actual.digest('hex');
  if (found !== hash) throw new BuildError(`${what}: its digest is ${algorithm}:${found}, not ${algorithm}:${hash}`);
}

/** A document that a descriptor names, checked. */
export async function readDescribed(source: BlobSource, descriptor: Descriptor): Promise<Json> {
  const name = blobName(descriptor);
  const what = `${source.shown}: ${name}`;
  const bytes = await readDocument(source, name);
  if (bytes.length !== descriptor.sizeBytes)
    throw new BuildError(`${what}: ${bytes.length} bytes, not ${descriptor.sizeBytes}`);
  const found = createHash(descriptor.algorithm).update(bytes).digest('hex');
  if (found !== descriptor.hash) throw new BuildError(`${what}: its digest is ${found}`);
  return parseDocument(bytes, what);
}
