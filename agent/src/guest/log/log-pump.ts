import { OUTPUT_FULL, OUTPUT_GONE, type LogOutput } from './log-output.ts';
import type { RecordRing } from './record-ring.ts';

/** Written at once. vsock transports stall on large writes (design, "The host side"), a slow console gains nothing. */
const CHUNK_BYTES = 16 << 10;

/** Written in one go, so that a burst of records does not keep everything else waiting. */
const TURN_BYTES = 64 << 10;

/** Moves waiting records to the output of the moment. Without one they wait in the ring. */
export class LogPump {
  readonly #ring: RecordRing;
  /** Adds a record that says how many were lost. */
  readonly #reportDropped: (count: number) => void;
  #output: LogOutput | undefined;
  #isWaiting = false;
  #isPumping = false;

  constructor(ring: RecordRing, reportDropped: (count: number) => void) {
    this.#ring = ring;
    this.#reportDropped = reportDropped;
  }

  get hasOutput(): boolean {
    return this.#output !== undefined;
  }

  /** Replaces the output; undefined lets records wait for the next one. */
  setOutput(output: LogOutput | undefined): void {
    if (this.#output !== undefined) this.#ring.resetReader();
    this.#output = output;
    this.#isWaiting = false;
    this.pump();
  }

  /** Writes what the output takes. */
  pump(): void {
    if (this.#isPumping || this.#isWaiting) return;
    this.#isPumping = true;
    try {
      this.#write();
    } finally {
      this.#isPumping = false;
    }
  }

  #write(): void {
    for (let written = 0; ;) {
      const output = this.#output;
      if (output === undefined) return;
      if (this.#ring.sizeBytes === 0) {
        const dropped = this.#ring.takeDropped();
        if (dropped === 0) return;
        this.#reportDropped(dropped);
      }
      const count = written >= TURN_BYTES ? OUTPUT_FULL : output.tryWrite(this.#ring.peek(CHUNK_BYTES));
      if (count === OUTPUT_GONE) {
        this.#output = undefined;
        this.#ring.resetReader();
        return;
      }
      if (count < 0) return this.#waitFor(output);
      this.#ring.consume(count);
      written += count;
    }
  }

  #waitFor(output: LogOutput): void {
    this.#isWaiting = true;
    output.onWritable(() => {
      if (this.#output !== output) return;
      this.#isWaiting = false;
      this.pump();
    });
  }
}
