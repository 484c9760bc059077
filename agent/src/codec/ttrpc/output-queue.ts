/** Waiting frames are sent together up to this many bytes; to copy larger ones would cost more than to send them. */
const JOINED_BYTES = 4 << 10;

/** Frames that wait to be written, first in first out, with a running byte count. */
export class OutputQueue {
  readonly #frames: Uint8Array[] = [];
  #head = 0;
  /** Bytes of the first frame already written. */
  #written = 0;
  #bytes = 0;

  /** Bytes not yet written. */
  get bytes(): number {
    return this.#bytes;
  }

  get frames(): number {
    return this.#frames.length - this.#head;
  }

  /** True while less than this waits. */
  isBelow(bytes: number, frames: number): boolean {
    return this.#bytes < bytes && this.#frames.length - this.#head < frames;
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** The next bytes to write, at most `maxBytes`: of one frame, or small ones together; undefined when there are none. Does not remove them. */
  peek(maxBytes: number): Uint8Array | undefined {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return undefined;
    if (this.#written === 0 && frame.length <= maxBytes)
      return frame.length < JOINED_BYTES && this.frames > 1 ? this.#join(Math.min(maxBytes, JOINED_BYTES)) : frame;
    return frame.subarray(this.#written, Math.min(frame.length, this.#written + maxBytes));
  }

  /** Makes one frame of the first ones, as many as fit. */
  #join(maxBytes: number): Uint8Array {
    let end = this.#head;
    let length = 0;
    for (
      let frame = this.#frames[end];
      frame !== undefined && length + frame.length <= maxBytes;
      frame = this.#frames[end]
    ) {
      length += frame.length;
      end += 1;
    }
    const joined = new Uint8Array(length);
    let offset = 0;
    for (const frame of this.#frames.splice(this.#head, end - this.#head, joined)) {
      joined.set(frame, offset);
      offset += frame.length;
    }
    return joined;
  }

  /** Removes `count` bytes that were written; at most what `peek` showed. */
  consume(count: number): void {
    const frame = this.#frames[this.#head];
    if (frame === undefined || count > frame.length - this.#written)
      throw new RangeError(`wrote ${count} bytes that were not queued`);
    this.#bytes -= count;
    this.#written += count;
    if (this.#written < frame.length) return;
    this.#written = 0;
    this.#frames[this.#head] = EMPTY;
    this.#head += 1;
    if (this.#bytes === 0) this.clear();
    else if (this.#head > 64) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#frames.length = 0;
    this.#head = 0;
    this.#written = 0;
    this.#bytes = 0;
  }
}

const EMPTY = new Uint8Array(0);
