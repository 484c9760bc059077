import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { BuildError, reasonOf } from '../build-error.ts';
import type { Content } from '../tree/entry.ts';

/** Contents up to this many bytes stay in memory and in the index: a reader needs no system call for them. */
const INLINE_BYTES = 256;
const BUFFER_BYTES = 1024 * 1024;
/** From this on zeros become a hole of the pack; fewer are written like other bytes. */
const HOLE_BYTES = 64 * 1024;

/** Where the bytes of one content go as they come. */
export interface PackPlace {
  readonly write: (bytes: Uint8Array) => void;
  /** As many zeros. */
  readonly skip: (lengthBytes: number) => void;
  readonly finish: () => Content;
}

/**
 * One file that holds the contents of many: what an archive brings goes here one after the other and never to the host's
 * file system under the names that the archive gives.
 */
export class PackWriter implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #written = 0;
  #isClosed = false;

  /** Creates the file, which must not exist. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, 'wx', 0o600);
    } catch (error) {
      throw new BuildError(`write ${path}: ${reasonOf(error)}`, error);
    }
  }

  get sizeBytes(): number {
    return this.#written + this.#filled;
  }

  /** Takes the bytes of one content as they come; `finish` gives it. */
  begin(sizeBytes: number): PackPlace {
    if (sizeBytes <= INLINE_BYTES) {
      const bytes = new Uint8Array(sizeBytes);
      let filled = 0;
      return {
        write: (piece) => {
          bytes.set(piece, filled);
          filled += piece.length;
        },
        skip: (length) => void (filled += length),
        finish: () => ({ kind: 'bytes', bytes }),
      };
    }
    const offset = this.sizeBytes;
    return {
      write: (piece) => this.#append(piece),
      skip: (length) => this.#skip(length),
      finish: () => ({ kind: 'host', path: this.path, sizeBytes: this.sizeBytes - offset, offset }),
    };
  }

  #append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + BUFFER_BYTES - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === BUFFER_BYTES) this.flush();
    }
  }

  #skip(lengthBytes: number): void {
    if (lengthBytes < HOLE_BYTES) {
      this.#append(new Uint8Array(lengthBytes));
      return;
    }
    this.flush();
    this.#written += lengthBytes;
    // What comes last may be a hole, and the file must have its length.
    this.#attempt(() => ftruncateSync(this.#fd, this.#written));
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw new BuildError(`write ${this.path}: ${reasonOf(error)}`, error);
    }
  }

  /** Writes out what is in memory; contents can be read from then on. */
  flush(): void {
    this.#attempt(() => {
      for (let at = 0; at < this.#filled;)
        at += writeSync(this.#fd, this.#buffer, at, this.#filled - at, this.#written + at);
    });
    this.#written += this.#filled;
    this.#filled = 0;
  }

  /** Flushes and closes. */
  finish(): void {
    this.flush();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) closeSync(this.#fd);
    this.#isClosed = true;
  }
}
