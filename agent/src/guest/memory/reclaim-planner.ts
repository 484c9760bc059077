/** How much of a container's memory is cold. Pure: numbers in, numbers out. */
import type { ReclaimConfig } from './mem-agent-config.ts';

/** What a cgroup told in one period. Bytes, and the time in which somebody in it waited for memory or disks. */
export interface GroupReading {
  readonly atMs: number;
  /** Page cache that was not used lately (`inactive_file` of memory.stat). */
  readonly coldFile: bigint;
  /** The same of anonymous memory. */
  readonly coldAnon: bigint;
  /** Pages that were reclaimed and wanted again soon (`workingset_refault_*`), counted since the cgroup began. */
  readonly refaults: bigint;
  readonly stallUs: bigint;
}

/** What to do about a cgroup now. */
export interface ReclaimOrder {
  readonly bytes: bigint;
  readonly swappiness: number;
}

/** Less is not worth a system call. */
export const MIN_RECLAIM_BYTES = 1n << 20n;
/** Readings kept of one cgroup: memory that was cold for longer is not colder. */
const MAX_READINGS = 16;
/** When more than one in so many reclaimed pages came back, the next order is smaller. */
const REFAULT_SHARE = 10n;
/** The smallest part of the cold memory that is still tried. */
const MIN_SHARE = 1 / 16;
const PAGE_BYTES = 4096n;
const MAX_SWAPPINESS = 200;

/** History of one container's cgroup. */
export class GroupHistory {
  #readings: GroupReading[] = [];
  #share = 1;
  #lastReclaimed = 0n;

  /** Takes the reading of a period; gives what to reclaim, or why nothing. */
  plan(reading: GroupReading, config: ReclaimConfig, hasSwap: boolean): ReclaimOrder | 'waits' | 'young' | 'nothing' {
    const last = this.#readings.at(-1);
    this.#readings.push(reading);
    if (this.#readings.length > MAX_READINGS) this.#readings.shift();
    if (last !== undefined) this.#learn(reading.refaults - last.refaults);
    const percent = last === undefined ? 0 : stall(last, reading);
    if (percent > config.periodPsiPercentLimit) return 'waits';
    const periods = Number(
      config.evictionRunAgingCountMin > BigInt(MAX_READINGS) ? MAX_READINGS : config.evictionRunAgingCountMin,
    );
    if (this.#readings.length < periods) return 'young';
    // What was cold in every one of them was cold all the time: memory in use comes and goes.
    const recent = this.#readings.slice(-Math.max(1, periods));
    const file = least(recent.map(({ coldFile }) => coldFile));
    const anon = config.swaps && hasSwap ? least(recent.map(({ coldAnon }) => coldAnon)) : 0n;
    const bytes = (BigInt(Math.round(this.#share * 1024)) * (file + anon)) / 1024n;
    if (bytes < MIN_RECLAIM_BYTES) return 'nothing';
    const wanted = Number((BigInt(MAX_SWAPPINESS) * anon) / (file + anon));
    return { bytes, swappiness: anon === 0n ? 0 : Math.min(wanted, config.swappinessMax, MAX_SWAPPINESS) };
  }

  /** Tells how much was really reclaimed. */
  reclaimed(bytes: bigint): void {
    this.#lastReclaimed = bytes;
    // It is not there any more: what is cold next time has to prove itself anew.
    this.#readings = this.#readings.slice(-1);
  }

  #learn(refaults: bigint): void {
    if (this.#lastReclaimed === 0n) return;
    const isTooMuch = refaults * PAGE_BYTES * REFAULT_SHARE > this.#lastReclaimed;
    this.#share = isTooMuch ? Math.max(MIN_SHARE, this.#share / 2) : Math.min(1, this.#share * 2);
    this.#lastReclaimed = 0n;
  }
}

function stall(before: GroupReading, after: GroupReading): number {
  const elapsedMs = after.atMs - before.atMs;
  return elapsedMs <= 0 ? 0 : Number(after.stallUs - before.stallUs) / (elapsedMs * 10);
}

function least(values: readonly bigint[]): bigint {
  return values.reduce((smallest, value) => (value < smallest ? value : smallest));
}
