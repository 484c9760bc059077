import type { FrameBudget } from './frame-budget.ts';
import { UNBUDGETED_FRAME_LENGTH } from './frame-budget.ts';
import type { FrameHeader } from './frame.ts';
import { decodeFrameHeader, FRAME_HEADER_SIZE, MAX_FRAME_LENGTH } from './frame.ts';

/** Receives what a FrameDecoder finds. A method returns false to stop the decoder after this frame. */
export interface FrameSink {
  /** A whole frame. `body` is owned by the receiver; `charged` bytes of the budget are to be released when it is done. */
  frame(header: FrameHeader, body: Uint8Array, charged: number): boolean;
  /** A frame whose data was thrown away, after its last byte: too long, or no budget was left. */
  discarded(header: FrameHeader, reason: 'oversized' | 'budget'): boolean;
}

/** First size of the buffer of a frame that arrives in pieces; it doubles as data comes. */
const FIRST_BUFFER_SIZE = 1024;

const NO_BYTES = new Uint8Array(0);

/**
 * Cuts a byte stream into frames, however it is split. Memory follows the bytes that arrived, never the declared length, and a frame
 * that is not kept is stepped over exactly, so that its data can never be read as headers (security case TTR-01).
 */
export class FrameDecoder {
  readonly #budget: FrameBudget;
  readonly #header = new Uint8Array(FRAME_HEADER_SIZE);
  #headerFilled = 0;
  #current: FrameHeader | undefined;
  #body: Uint8Array = NO_BYTES;
  #bodyFilled = 0;
  #charged = 0;
  #discard: 'oversized' | 'budget' | undefined;
  #frameCount = 0;

  constructor(budget: FrameBudget) {
    this.#budget = budget;
  }

  /** Frames that came whole, kept or not: tells one frame in progress from the next. */
  get frameCount(): number {
    return this.#frameCount;
  }

  /** True in the middle of a frame: the end of the stream would cut it. */
  get isMidFrame(): boolean {
    return this.#headerFilled > 0;
  }

  /** Takes bytes until all are used or the sink says stop. Returns how many were used; `chunk` may then be reused. */
  feed(chunk: Uint8Array, sink: FrameSink): number {
    let offset = 0;
    for (;;) {
      // Nearly every frame is small and comes in one piece.
      while (this.#headerFilled === 0 && chunk.length - offset >= FRAME_HEADER_SIZE) {
        const header = decodeFrameHeader(chunk, offset);
        const start = offset + FRAME_HEADER_SIZE;
        const end = start + header.length;
        if (end > chunk.length || header.length > UNBUDGETED_FRAME_LENGTH) break;
        this.#frameCount += 1;
        const body = new Uint8Array(header.length);
        // The quickest copy on the engine; and on the host the input may be a Buffer, whose `slice` is a view.
        body.set(new Uint8Array(chunk.buffer, chunk.byteOffset + start, header.length));
        if (!sink.frame(header, body, 0)) return end;
        offset = end;
      }
      if (this.#current === undefined) {
        const count = Math.min(FRAME_HEADER_SIZE - this.#headerFilled, chunk.length - offset);
        if (count === 0) return offset;
        this.#header.set(chunk.subarray(offset, offset + count), this.#headerFilled);
        this.#headerFilled += count;
        offset += count;
        if (this.#headerFilled < FRAME_HEADER_SIZE) return offset;
        this.#current = decodeFrameHeader(this.#header);
        if (this.#current.length > MAX_FRAME_LENGTH) this.#discard = 'oversized';
      }
      const header: FrameHeader = this.#current;
      const count = Math.min(header.length - this.#bodyFilled, chunk.length - offset);
      if (count > 0) {
        this.#take(header, chunk.subarray(offset, offset + count));
        offset += count;
      }
      if (this.#bodyFilled < header.length) return offset;
      if (!this.#finish(header, sink)) return offset;
    }
  }

  /** Gives back what a frame in progress holds; the decoder is not used afterwards. */
  close(): void {
    this.#drop();
  }

  #take(header: FrameHeader, piece: Uint8Array): void {
    if (this.#discard === undefined && this.#grow(header, this.#bodyFilled + piece.length)) {
      this.#body.set(piece, this.#bodyFilled);
    }
    this.#bodyFilled += piece.length;
  }

  /** Makes room for `needed` bytes; turns the frame into one to discard when the budget has no room. */
  #grow(header: FrameHeader, needed: number): boolean {
    if (needed <= this.#body.length) return true;
    const size = Math.min(header.length, Math.max(needed, this.#body.length * 2, FIRST_BUFFER_SIZE));
    const charge = header.length > UNBUDGETED_FRAME_LENGTH ? size - this.#charged : 0;
    if (charge > 0 && !this.#budget.reserve(charge)) {
      this.#drop();
      this.#discard = 'budget';
      return false;
    }
    this.#charged += charge;
    const larger = new Uint8Array(size);
    larger.set(this.#body.subarray(0, this.#bodyFilled));
    this.#body = larger;
    return true;
  }

  #drop(): void {
    this.#budget.release(this.#charged);
    this.#charged = 0;
    this.#body = NO_BYTES;
  }

  #finish(header: FrameHeader, sink: FrameSink): boolean {
    const body = this.#body;
    const charged = this.#charged;
    const discard = this.#discard;
    this.#frameCount += 1;
    this.#headerFilled = 0;
    this.#current = undefined;
    this.#body = NO_BYTES;
    this.#bodyFilled = 0;
    this.#charged = 0;
    this.#discard = undefined;
    return discard === undefined ? sink.frame(header, body, charged) : sink.discarded(header, discard);
  }
}
