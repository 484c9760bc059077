import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { throughProgram } from './compress.ts';

type Pieces = AsyncIterable<Uint8Array>;

/** Undoes gzip or zstd, told by the first bytes; anything else passes unchanged. Throws the reason of `signal`. */
export async function* decompress(source: Pieces, signal?: AbortSignal): Pieces {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head = first.done === true ? new Uint8Array(0) : first.value;
  const whole = async function* (): Pieces {
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const gunzip = createGunzip();
    pipeline(Readable.from(whole()), gunzip).catch(() => undefined); // its error comes out of the loop below
    yield* gunzip as Pieces;
  } else if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) {
    yield* throughProgram('zstd', ['-d', '-q', '-c'], whole(), signal);
  } else {
    yield* whole();
  }
}
