import { decodeBytes } from '../../base/text.ts';

/** Memory for the last records, where somebody may ask for them. */
const TAIL_BYTES = 32 << 10;

/** The last records of the log, whether they were written out or not. */
export class LogTail {
  readonly #records: Uint8Array[] = [];
  readonly #capacity: number;
  #bytes = 0;

  constructor(capacityBytes: number = TAIL_BYTES) {
    this.#capacity = capacityBytes;
  }

  push(record: Uint8Array): void {
    if (record.length > this.#capacity) return;
    this.#records.push(record);
    this.#bytes += record.length;
    while (this.#bytes > this.#capacity) this.#bytes -= this.#records.shift()?.length ?? 0;
  }

  /** One line each, the oldest first. */
  lines(): string[] {
    return this.#records.map((record) => decodeBytes(record).trimEnd());
  }
}
