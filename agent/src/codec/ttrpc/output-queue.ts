/** Frames that wait to be written, first in first out, with a running byte count. */
export class OutputQueue {
  #frames: Uint8Array[] = [];
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

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** The next bytes to write, at most `maxBytes` and from one frame; undefined when there are none. Does not remove them. */
  peek(maxBytes: number): Uint8Array | undefined {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return undefined;
    if (this.#written === 0 && frame.length <= maxBytes) return frame;
    return frame.subarray(this.#written, Math.min(frame.length, this.#written + maxBytes));
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
    if (this.#head === this.#frames.length || this.#head > 64) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#frames = [];
    this.#head = 0;
    this.#written = 0;
    this.#bytes = 0;
  }
}

const EMPTY = new Uint8Array(0);
