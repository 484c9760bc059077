/**
 * A bounded queue of newline-terminated records that is written out in pieces.
 *
 * When a record does not fit, the oldest whole records are dropped and counted. A record that was written out in part
 * is never dropped: a reader would take its head and the next record for one line.
 *
 * The bytes lie in one buffer that restarts at its beginning whenever the queue runs empty, so an agent whose log is read
 * touches only its first page.
 */
export class RecordRing {
  readonly #bytes: Uint8Array;
  /** Index of the first byte that waits. */
  #head = 0;
  /** Number of bytes that wait. */
  #size = 0;
  /** True when the first record was written out in part. */
  #isHeadPartial = false;
  #dropped = 0;

  /** @param capacityBytes how much may wait. */
  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  get sizeBytes(): number {
    return this.#size;
  }

  /** Number of records dropped since the last `takeDropped()`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Returns the number of dropped records and forgets it. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Adds one record, which must end with a newline and hold no other. */
  push(record: Uint8Array): void {
    const capacity = this.#bytes.length;
    while (record.length > capacity - this.#size) {
      if (record.length > capacity || !this.#dropOldest()) {
        this.#dropped += 1;
        return;
      }
    }
    const tail = (this.#head + this.#size) % capacity;
    const first = Math.min(record.length, capacity - tail);
    this.#bytes.set(record.subarray(0, first), tail);
    if (first < record.length) this.#bytes.set(record.subarray(first), 0);
    this.#size += record.length;
  }

  /** The longest run of waiting bytes that lies in one piece, at most `maxBytes`; empty when nothing waits. */
  peek(maxBytes: number): Uint8Array {
    const length = Math.min(this.#size, this.#bytes.length - this.#head, maxBytes);
    return this.#bytes.subarray(this.#head, this.#head + length);
  }

  /** Takes `count` bytes from the front: they were written out. */
  consume(count: number): void {
    if (count === 0) return;
    const last = (this.#head + count - 1) % this.#bytes.length;
    this.#isHeadPartial = this.#bytes[last] !== 0x0a;
    this.#advance(count);
  }

  /**
   * Forgets that the first record was begun: the next reader gets only its rest, so it is dropped.
   * Called when a reader leaves.
   */
  resetReader(): void {
    if (!this.#isHeadPartial) return;
    this.#isHeadPartial = false;
    this.#dropOldest();
  }

  #advance(count: number): void {
    this.#size -= count;
    this.#head = this.#size === 0 ? 0 : (this.#head + count) % this.#bytes.length;
  }

  /** Length of the record that begins `offset` bytes behind the head, its newline included. */
  #recordLength(offset: number): number {
    const capacity = this.#bytes.length;
    const start = (this.#head + offset) % capacity;
    const end = this.#bytes.indexOf(0x0a, start);
    if (end !== -1 && end - start < this.#size - offset) return end - start + 1;
    return capacity - start + this.#bytes.indexOf(0x0a, 0) + 1;
  }

  /** Drops the oldest record that may be dropped; false when there is none. */
  #dropOldest(): boolean {
    if (this.#size === 0) return false;
    const first = this.#recordLength(0);
    if (!this.#isHeadPartial) {
      this.#advance(first);
      this.#dropped += 1;
      return true;
    }
    if (first >= this.#size) return false;
    const second = this.#recordLength(first);
    // Close the gap: the rest of the begun record moves up against the third one. It is short and this is rare.
    const capacity = this.#bytes.length;
    for (let index = first - 1; index >= 0; index--) {
      const from = (this.#head + index) % capacity;
      this.#bytes[(from + second) % capacity] = this.#bytes[from] ?? 0;
    }
    this.#advance(second);
    this.#dropped += 1;
    return true;
  }
}
