import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { decodeHeader, HEADER_BYTES, paddingAfter, TRAILER_NAME } from './header.ts';
import type { CpioHeader, RawHeader } from './header.ts';

/** What the reader found in the bytes given so far. `data` belongs to the latest `entry`. */
export type CpioEvent =
  | { readonly kind: 'entry'; readonly header: CpioHeader }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'trailer' };

type State =
  | { readonly kind: 'header' }
  | { readonly kind: 'name'; readonly header: RawHeader }
  | { readonly kind: 'data'; readonly left: number; readonly padding: number }
  | { readonly kind: 'skip'; readonly left: number }
  | { readonly kind: 'between' };

/**
 * Reads newc archives without I/O: bytes in by `push`, events out. Data is passed on in the pieces it came in, so memory
 * stays bounded by one header whatever the archive claims. Several archives in a row are read, as the kernel does.
 */
export class CpioReader {
  #state: State = { kind: 'header' };
  #held: Uint8Array = new Uint8Array(0);
  /** Bytes consumed, for messages. */
  #offset = 0;

  /** Takes the next bytes of the archive. Throws BuildError when they cannot be one. */
  push(chunk: Uint8Array): CpioEvent[] {
    let bytes = chunk;
    if (this.#held.length > 0) {
      bytes = new Uint8Array(this.#held.length + chunk.length);
      bytes.set(this.#held);
      bytes.set(chunk, this.#held.length);
    }
    const events: CpioEvent[] = [];
    let used = 0;
    for (;;) {
      const taken = this.#step(bytes.subarray(used), events);
      if (taken === 0) break;
      used += taken;
      this.#offset += taken;
    }
    this.#held = bytes.slice(used);
    return events;
  }

  /** Call after the last byte: throws BuildError when the archive stops half-way. */
  end(): void {
    if (this.#state.kind !== 'between')
      throw new BuildError(`cpio archive: ends at byte ${this.#offset} without a trailer`);
  }

  /** Consumes from the front of `bytes` and gives how many; 0 means that more are needed. */
  #step(bytes: Uint8Array, events: CpioEvent[]): number {
    const state = this.#state;
    switch (state.kind) {
      case 'between': {
        // Between archives only zeros may stand; cpio(1) pads with them to its block size.
        const end = bytes.findIndex((byte) => byte !== 0);
        if (end === -1) return bytes.length;
        this.#state = { kind: 'header' };
        return end === 0 ? this.#step(bytes, events) : end;
      }
      case 'header': {
        if (bytes.length < HEADER_BYTES) return 0;
        const header = decodeHeader(bytes, this.#offset);
        this.#state = { kind: 'name', header };
        return HEADER_BYTES;
      }
      case 'name': {
        const { nameBytes, sizeBytes } = state.header;
        const length = nameBytes + paddingAfter(HEADER_BYTES + nameBytes);
        if (bytes.length < length) return 0;
        if (bytes.indexOf(0) !== nameBytes - 1) {
          throw new BuildError(`cpio archive: malformed name at byte ${this.#offset}`);
        }
        const name = decodeBytes(bytes.subarray(0, nameBytes - 1));
        if (name === TRAILER_NAME) {
          events.push({ kind: 'trailer' });
          const left = sizeBytes + paddingAfter(sizeBytes);
          this.#state = left === 0 ? { kind: 'between' } : { kind: 'skip', left };
          return length;
        }
        const { ino, mode, uid, gid, nlink, mtime, rdevMajor, rdevMinor } = state.header;
        events.push({
          kind: 'entry',
          header: { name, ino, mode, uid, gid, nlink, mtime, sizeBytes, rdevMajor, rdevMinor },
        });
        this.#state = nextAfterData(sizeBytes, paddingAfter(sizeBytes));
        return length;
      }
      case 'data': {
        const taken = Math.min(bytes.length, state.left);
        if (taken === 0) return 0;
        events.push({ kind: 'data', bytes: bytes.slice(0, taken) });
        this.#state = nextAfterData(state.left - taken, state.padding);
        return taken;
      }
      case 'skip': {
        const taken = Math.min(bytes.length, state.left);
        this.#state = nextAfterData(0, state.left - taken);
        return taken;
      }
    }
  }
}

function nextAfterData(left: number, padding: number): State {
  if (left > 0) return { kind: 'data', left, padding };
  return padding > 0 ? { kind: 'skip', left: padding } : { kind: 'header' };
}

/** One whole record. */
export interface CpioRecord extends CpioHeader {
  readonly data: Uint8Array;
}

/** All records of an archive that fits into memory. Throws BuildError when it is damaged. */
export function readCpio(archive: Uint8Array): CpioRecord[] {
  const reader = new CpioReader();
  const events = reader.push(archive);
  reader.end();
  const records: { header: CpioHeader; pieces: Uint8Array[] }[] = [];
  for (const event of events) {
    if (event.kind === 'entry') records.push({ header: event.header, pieces: [] });
    else if (event.kind === 'data') records.at(-1)?.pieces.push(event.bytes);
  }
  return records.map(({ header, pieces }) => ({ ...header, data: new Uint8Array(Buffer.concat(pieces)) }));
}
