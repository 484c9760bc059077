import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { besideOutput } from './beside-output.ts';

/** What was written. */
export interface Written {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a stream to `path` whole or not at all: into a temporary file beside it, renamed at the end. The temporary file
 * goes away when the stream fails, `signal` aborts, or the process exits. Throws BuildError, or the stream's own error.
 */
export async function writeOutput(
  path: string,
  source: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<Written> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await replacing(path, signal, async (temporary) => {
    const measured = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        signal?.throwIfAborted();
        hash.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    };
    const file = createWriteStream(temporary, { flags: 'wx' });
    await pipeline(Readable.from(measured()), file, signal === undefined ? {} : { signal });
  });
  return { path, sizeBytes, sha256: hash.digest('hex') };
}

/**
 * Runs `work` on a temporary path beside `path`, a file or a directory to be, and renames it to `path` when `work` is
 * done. Nothing is left under either name when it fails.
 */
export async function replacing(
  path: string,
  signal: AbortSignal | undefined,
  work: (temporary: string) => Promise<void>,
): Promise<void> {
  await besideOutput(path, signal, async (temporary) => {
    await work(temporary);
    signal?.throwIfAborted();
    await rename(temporary, path);
  });
}
