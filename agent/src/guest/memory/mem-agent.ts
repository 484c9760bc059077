import { AbortController } from '../../base/abort.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { DomainError, describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import { keyedCounts } from '../metrics/family.ts';
import { CompactHistory, parseFreePages } from './compact-planner.ts';
import type { CompactConfig, MemAgentConfig, ReclaimConfig } from './mem-agent-config.ts';
import type { MemAgentServices } from './mem-agent-services.ts';
import { parseStallUs, stallPercent } from './pressure.ts';
import { GroupHistory, type ReclaimOrder } from './reclaim-planner.ts';
import type { ReclaimResult } from './reclaim-in-steps.ts';

/** Containers whose memory is looked at in one period. */
const MAX_GROUPS = 1024;
/** Reclaiming from one container may take so long. */
export const RECLAIM_DEADLINE_MS = 10_000;
/** The child ends itself before it is given up. */
const RECLAIM_SLACK_MS = 5000;
/** While memory is compacted the pressure is looked at. */
const COMPACT_LOOK_MS = 1000;
/** Longest timer (agent-config.ts). */
const MAX_TIMER_MS = 0x7fffffff;

/** A container's cgroup. */
export interface MemoryGroup {
  readonly id: string;
  /** Absolute path of its directory. */
  readonly path: string;
}

export interface MemAgentWorld {
  readonly files: Pick<KernelFiles, 'tryRead'>;
  readonly groups: () => readonly MemoryGroup[];
  readonly nowMs: () => number;
  /** Returns the function that cancels. */
  readonly setTimer: (delayMs: number, onExpiry: () => void) => () => void;
  /** Reclaims from a cgroup, in a child. */
  readonly reclaim: (
    group: MemoryGroup,
    order: ReclaimOrder,
    percentLimit: number,
    deadlineMs: number,
  ) => Promise<ReclaimResult>;
  /** Compacts all memory, in a child that is killed when the signal fires. */
  readonly compact: (deadlineMs: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/** What it has done, for the metrics. */
export interface MemAgentCounts {
  readonly reclaimRuns: number;
  readonly reclaimedBytes: bigint;
  readonly compactions: number;
}

/**
 * Gives cold memory of containers back, and makes free memory contiguous, so that the host can have it. Works once a period, on one
 * container at a time, in children of the agent; never when tasks wait for memory or disks anyway.
 */
export class MemAgent implements MemAgentServices {
  readonly #world: MemAgentWorld;
  #config: MemAgentConfig;
  /** Why it cannot work in this guest. */
  readonly #failure: string | undefined;
  readonly #histories = new Map<string, GroupHistory>();
  readonly #compaction = new CompactHistory();
  #lastGuest: { readonly atMs: number; readonly stallUs: bigint } | undefined;
  #cancelReclaim: (() => void) | undefined;
  #cancelCompact: (() => void) | undefined;
  #reclaimRuns = 0;
  #reclaimedBytes = 0n;
  #compactions = 0;

  constructor(world: MemAgentWorld, config: MemAgentConfig) {
    this.#world = world;
    this.#config = config;
    this.#failure = missingPressure(world.files);
    if (this.#failure !== undefined) {
      world.log.error('the memory agent cannot work', { error: this.#failure });
      return;
    }
    this.#planReclaim();
    this.#planCompact();
  }

  get counts(): MemAgentCounts {
    return { reclaimRuns: this.#reclaimRuns, reclaimedBytes: this.#reclaimedBytes, compactions: this.#compactions };
  }

  setReclaim(change: Partial<ReclaimConfig>): void {
    this.#refuseWhenBroken('memcg_set_config_async');
    this.#config = { ...this.#config, reclaim: { ...this.#config.reclaim, ...change } };
    this.#planReclaim();
  }

  setCompact(change: Partial<CompactConfig>): void {
    this.#refuseWhenBroken('compact_set_config_async');
    this.#config = { ...this.#config, compact: { ...this.#config.compact, ...change } };
    this.#planCompact();
  }

  #refuseWhenBroken(call: string): void {
    if (this.#failure !== undefined) throw new DomainError('internal', `ma.${call} fail: ${this.#failure}`);
  }

  /** The period begins now, with the settings of now. */
  #planReclaim(): void {
    this.#cancelReclaim?.();
    this.#cancelReclaim = undefined;
    const { isDisabled, periodSecs } = this.#config.reclaim;
    if (isDisabled) {
      this.#histories.clear();
      return;
    }
    this.#cancelReclaim = this.#world.setTimer(periodMs(periodSecs), () => {
      this.#cancelReclaim = undefined;
      this.#later(this.#reclaimAll(), 'reclaim', () => {
        // A change of the settings meanwhile has begun a period of its own.
        if (this.#cancelReclaim === undefined) this.#planReclaim();
      });
    });
  }

  #planCompact(): void {
    this.#cancelCompact?.();
    this.#cancelCompact = undefined;
    const { isDisabled, periodSecs } = this.#config.compact;
    if (isDisabled) return;
    this.#lastGuest = this.#guest();
    this.#cancelCompact = this.#world.setTimer(periodMs(periodSecs), () => {
      this.#cancelCompact = undefined;
      this.#later(this.#compactAll(), 'compact', () => {
        if (this.#cancelCompact === undefined) this.#planCompact();
      });
    });
  }

  #later(work: Promise<void>, what: string, next: () => void): void {
    work
      .catch((error: unknown) => this.#world.log.warn(`memory agent: ${what}`, { error: describeError(error) }))
      .finally(next)
      // The finally's own promise.
      .catch(() => undefined);
  }

  async #reclaimAll(): Promise<void> {
    const groups = this.#world.groups().slice(0, MAX_GROUPS);
    const paths = new Set(groups.map(({ path }) => path));
    for (const path of this.#histories.keys()) if (!paths.has(path)) this.#histories.delete(path);
    const hasSwap = (keyedCounts(this.#world.files.tryRead('/proc/meminfo') ?? '').get('SwapFree') ?? 0n) > 0n;
    for (const group of groups) {
      // Switched off by a request while an earlier container was worked on.
      if (this.#config.reclaim.isDisabled) return;
      try {
        await this.#reclaimFrom(group, hasSwap);
      } catch (error) {
        this.#world.log.warn('memory agent: reclaim', { 'container-id': group.id, error: describeError(error) });
      }
    }
  }

  async #reclaimFrom(group: MemoryGroup, hasSwap: boolean): Promise<void> {
    const stat = this.#world.files.tryRead(`${group.path}/memory.stat`);
    if (stat === undefined) return;
    const values = keyedCounts(stat);
    const value = (name: string): bigint => values.get(name) ?? 0n;
    const history = this.#histories.get(group.path) ?? new GroupHistory();
    this.#histories.set(group.path, history);
    const config = this.#config.reclaim;
    const order = history.plan(
      {
        atMs: this.#world.nowMs(),
        coldFile: value('inactive_file'),
        coldAnon: value('inactive_anon'),
        refaults: value('workingset_refault_file') + value('workingset_refault_anon'),
        stallUs: groupStallUs(this.#world.files, group.path),
      },
      config,
      hasSwap,
    );
    if (typeof order === 'string') return;
    this.#reclaimRuns += 1;
    const { bytes, end } = await this.#world.reclaim(group, order, config.evictionPsiPercentLimit, RECLAIM_DEADLINE_MS);
    history.reclaimed(bytes);
    this.#reclaimedBytes += bytes;
    this.#world.log.info('memory agent: reclaimed', { 'container-id': group.id, bytes, end });
  }

  #guest(): { atMs: number; stallUs: bigint } {
    return { atMs: this.#world.nowMs(), stallUs: guestStallUs(this.#world.files) };
  }

  async #compactAll(): Promise<void> {
    const config = this.#config.compact;
    const now = this.#guest();
    const last = this.#lastGuest ?? now;
    this.#lastGuest = now;
    const free = () => parseFreePages(this.#world.files.tryRead('/proc/buddyinfo') ?? '', config.compactOrder);
    const percent = stallPercent(last.stallUs, now.stallUs, now.atMs - last.atMs);
    if (this.#compaction.plan(free(), percent, config) !== 'compact') return;
    this.#compactions += 1;
    const abort = new AbortController();
    const maxMs = periodMs(config.compactSecMax);
    let before = this.#guest();
    let cancel: (() => void) | undefined;
    const look = (): void => {
      const after = this.#guest();
      const now = stallPercent(before.stallUs, after.stallUs, after.atMs - before.atMs);
      before = after;
      if (now > config.compactPsiPercentLimit)
        abort.abort(new DomainError('cancelled', `stopped: tasks waited ${now.toFixed(0)} % of the time`));
      else cancel = this.#world.setTimer(COMPACT_LOOK_MS, look);
    };
    cancel = this.#world.setTimer(COMPACT_LOOK_MS, look);
    try {
      await this.#world.compact(maxMs, abort.signal);
      this.#world.log.info('memory agent: compacted');
    } finally {
      cancel();
      this.#compaction.compacted(free());
    }
  }
}

/** How long the child that reclaims may take in all. */
export const RECLAIM_CHILD_MS: number = RECLAIM_DEADLINE_MS + RECLAIM_SLACK_MS;

/** Seconds of a setting as a timer: at least one, at most what a timer can hold. */
function periodMs(seconds: bigint): number {
  if (seconds < 1n) return 1000;
  return seconds > BigInt(MAX_TIMER_MS) / 1000n ? MAX_TIMER_MS : Number(seconds) * 1000;
}

function missingPressure(files: MemAgentWorld['files']): string | undefined {
  let reason = 'missing';
  try {
    if (parseStallUs(files.tryRead('/proc/pressure/memory')) !== undefined) return undefined;
  } catch (error) {
    // Built in and switched off: EOPNOTSUPP.
    reason = describeError(error);
  }
  return `no pressure stall information (/proc/pressure/memory: ${reason}); it takes a kernel with CONFIG_PSI, and psi=1 on its command line where that is not the default`;
}

/** Time in which tasks waited for memory or for disks. */
function guestStallUs(files: MemAgentWorld['files']): bigint {
  return stallOf(files, '/proc/pressure/memory') + stallOf(files, '/proc/pressure/io');
}

export function groupStallUs(files: MemAgentWorld['files'], path: string): bigint {
  return stallOf(files, `${path}/memory.pressure`) + stallOf(files, `${path}/io.pressure`);
}

function stallOf(files: MemAgentWorld['files'], path: string): bigint {
  return parseStallUs(files.tryRead(path)) ?? 0n;
}
