import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError, reasonOf } from '../build-error.ts';
import type { Content } from './entry.ts';

/**
 * The bytes of a content, in pieces. Throws BuildError when a host file cannot be read or no longer has the size it had
 * when the tree was made: the size is in the archive before the data.
 */
export async function* readContent(content: Content): AsyncGenerator<Uint8Array> {
  if (content.kind === 'bytes') {
    if (content.bytes.length > 0) yield content.bytes;
    return;
  }
  const path = typeof content.path === 'string' ? content.path : Buffer.from(content.path);
  const shown = typeof content.path === 'string' ? content.path : decodeBytes(content.path);
  let total = 0;
  const { offset, sizeBytes } = content;
  if (offset !== undefined && sizeBytes === 0) return;
  const part = offset === undefined ? {} : { start: offset, end: offset + sizeBytes - 1 };
  try {
    const stream = createReadStream(path, { highWaterMark: 256 * 1024, ...part });
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      total += chunk.length;
      if (total > content.sizeBytes) break;
      yield chunk;
    }
  } catch (error) {
    throw new BuildError(`read ${shown}: ${reasonOf(error)}`, error);
  }
  if (total !== content.sizeBytes) throw new BuildError(`read ${shown}: the file changed while it was read`);
}

/** A part of a content that is known to be there. Throws BuildError when a host file has become shorter. */
export async function readSlice(content: Content, start: number, lengthBytes: number): Promise<Uint8Array> {
  if (content.kind === 'bytes') return content.bytes.subarray(start, start + lengthBytes);
  const path = typeof content.path === 'string' ? content.path : Buffer.from(content.path);
  const shown = typeof content.path === 'string' ? content.path : decodeBytes(content.path);
  const bytes = new Uint8Array(lengthBytes);
  try {
    const handle = await open(path);
    try {
      for (let done = 0; done < lengthBytes;) {
        const { bytesRead } = await handle.read(bytes, done, lengthBytes - done, (content.offset ?? 0) + start + done);
        if (bytesRead === 0) throw new BuildError(`read ${shown}: the file changed while it was read`);
        done += bytesRead;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof BuildError ? error : new BuildError(`read ${shown}: ${reasonOf(error)}`, error);
  }
  return bytes;
}
