/** A timer that has not fired. `position` is its place in the heap, -1 when it is out. */
export interface TimerEntry {
  readonly dueMs: number;
  /** Order of creation: timers due at the same instant fire in that order. */
  readonly sequence: number;
  readonly callback: () => void;
  position: number;
}

function isBefore(a: TimerEntry, b: TimerEntry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

/**
 * A binary heap by due time whose entries know their place, so that cancelling really removes them: every request has a
 * deadline and nearly all are cancelled, which would otherwise pile up for as long as the longest deadline.
 */
export class TimerHeap {
  readonly #entries: TimerEntry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The entry that is due first. */
  get first(): TimerEntry | undefined {
    return this.#entries[0];
  }

  push(entry: TimerEntry): void {
    this.#place(entry, this.#entries.length);
    this.#up(entry);
  }

  /** Takes an entry out; one that is out already is ignored. */
  remove(entry: TimerEntry): void {
    const position = entry.position;
    if (position < 0) return;
    entry.position = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#place(last, position);
    this.#up(last);
    this.#down(last);
  }

  #place(entry: TimerEntry, position: number): void {
    this.#entries[position] = entry;
    entry.position = position;
  }

  #up(entry: TimerEntry): void {
    while (entry.position > 0) {
      const parent = this.#entries[(entry.position - 1) >> 1];
      if (parent === undefined || !isBefore(entry, parent)) return;
      const position = parent.position;
      this.#place(parent, entry.position);
      this.#place(entry, position);
    }
  }

  #down(entry: TimerEntry): void {
    for (;;) {
      const left = this.#entries[entry.position * 2 + 1];
      const right = this.#entries[entry.position * 2 + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, entry)) return;
      const position = child.position;
      this.#place(child, entry.position);
      this.#place(entry, position);
    }
  }
}
