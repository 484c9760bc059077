/** Whether free memory is worth compacting. Pure. */
import type { CompactConfig } from './mem-agent-config.ts';

/** Free pages of the guest: those in blocks below the wanted order, and all. */
export interface FreePages {
  readonly small: bigint;
  readonly all: bigint;
}

/** `Node 0, zone DMA32 12 5 3 ...` of `/proc/buddyinfo`: free blocks of each order (proc(5)). */
export function parseFreePages(text: string, order: number): FreePages {
  let small = 0n;
  let all = 0n;
  for (const line of text.split('\n')) {
    const match = /^Node +\d+, +zone +\S+((?: +\d{1,18})+) *$/.exec(line);
    const counts = match?.[1]?.trim().split(/ +/) ?? [];
    for (const [index, count] of counts.entries()) {
      const pages = BigInt(count) << BigInt(index);
      all += pages;
      if (index < order) small += pages;
    }
  }
  return { small, all };
}

/** Remembers what the last compaction left. */
export class CompactHistory {
  #after: FreePages | undefined;
  #skipped = 0n;

  /** Decides for a period. `percent`: how long tasks of the guest waited in it. */
  plan(free: FreePages, percent: number, config: CompactConfig): 'compact' | 'waits' | 'skip' {
    if (percent > config.periodPsiPercentLimit) return 'waits';
    const { small, all } = this.#after ?? { small: 0n, all: free.all };
    const isWorthwhile = free.small - small > config.compactThreshold || all - free.all > config.compactThreshold;
    if (isWorthwhile || this.#skipped >= config.compactForceTimes) {
      this.#skipped = 0n;
      return 'compact';
    }
    this.#skipped += 1n;
    return 'skip';
  }

  /** Tells what is free after a compaction. */
  compacted(free: FreePages): void {
    this.#after = free;
  }
}
