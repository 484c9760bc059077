import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** Unit in which holes are found: the page and block size of every file system that matters. */
const HOLE_BYTES = 4096;
const ZEROS = Buffer.alloc(HOLE_BYTES);

/** Writes into a file at given places and leaves out blocks of zeros, which become holes. */
export class SparseFile {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Makes a file of `sizeBytes` that is one hole; `flags` "r+" opens an existing one and keeps its content. */
  static async open(path: string, sizeBytes: number, flags: 'wx' | 'r+' = 'wx'): Promise<SparseFile> {
    const handle = await open(path, flags);
    try {
      await handle.truncate(sizeBytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new SparseFile(handle);
  }

  /** Writes bytes where no others have been written before. */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      // Blocks are those of the file, not of the piece.
      const end = Math.min(bytes.length, nextBoundary(offset + start) - offset);
      if (isZero(bytes, start, end)) {
        start = end;
        continue;
      }
      let last = end;
      while (last < bytes.length) {
        const next = Math.min(bytes.length, last + HOLE_BYTES);
        if (isZero(bytes, last, next)) break;
        last = next;
      }
      await this.#writeAll(bytes.subarray(start, last), offset + start);
      start = last;
    }
  }

  /** Writes a stream from `offset` on and gives its length. */
  async writeStream(source: AsyncIterable<Uint8Array>, offset: number, signal?: AbortSignal): Promise<number> {
    let length = 0;
    for await (const piece of source) {
      signal?.throwIfAborted();
      await this.write(piece, offset + length);
      length += piece.length;
    }
    return length;
  }

  /** Copies a whole file to `offset`. */
  async copyFrom(path: string, offset: number, signal?: AbortSignal): Promise<number> {
    const stream = createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>;
    return await this.writeStream(stream, offset, signal);
  }

  /** Sets the length; what is added is a hole. */
  async resize(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #writeAll(bytes: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, offset + done);
      done += bytesWritten;
    }
  }
}

function nextBoundary(offset: number): number {
  return (Math.floor(offset / HOLE_BYTES) + 1) * HOLE_BYTES;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  return Buffer.compare(bytes.subarray(start, end), ZEROS.subarray(0, end - start)) === 0;
}
