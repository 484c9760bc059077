import { decodeMessage, messageLength } from './message.ts';
import type { Message } from './message.ts';

/** Cuts a stream of bytes into messages. Throws DbusError; the stream is lost then. */
export class MessageStream {
  readonly #maxBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);

  /** @param maxBytes of one message: what is longer ends the stream before memory is taken for it */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes what was received, copying it. */
  push(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
  }

  /** The next message; undefined while there is no whole one. */
  next(): Message | undefined {
    for (;;) {
      const length = messageLength(this.#bytes, this.#maxBytes);
      if (length === undefined || length > this.#bytes.length) return undefined;
      const whole = this.#bytes.slice(0, length);
      this.#bytes = this.#bytes.subarray(length);
      const message = decodeMessage(whole);
      if (message !== undefined) return message;
    }
  }
}
