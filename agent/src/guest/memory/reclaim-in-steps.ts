import type { ReclaimOrder } from './reclaim-planner.ts';
import { stallPercent } from './pressure.ts';

/** What the work needs; it runs in a child of the agent. */
export interface ReclaimWorld {
  /** Writes `memory.reclaim`; false when the kernel found less than that to reclaim (EAGAIN). */
  readonly reclaim: (bytes: bigint, swappiness: number) => boolean;
  /** Microseconds in which tasks of the cgroup waited. */
  readonly stallUs: () => bigint;
  readonly nowMs: () => number;
}

/** Asked of the kernel at once: between two steps the pressure is looked at. */
const STEP_BYTES = 8n << 20n;
/** Too short a time says nothing about pressure. */
const MIN_WINDOW_MS = 50;

export interface ReclaimResult {
  /** At most: the kernel tells only whether a step was done in full. */
  readonly bytes: bigint;
  readonly end: 'done' | 'exhausted' | 'pressure' | 'deadline';
}

/** Reclaims step by step until the order is done, nothing is left, the container waits for more than `percentLimit`, or time is over. */
export function reclaimInSteps(
  world: ReclaimWorld,
  order: ReclaimOrder,
  percentLimit: number,
  deadlineMs: number,
): ReclaimResult {
  const startMs = world.nowMs();
  const startUs = world.stallUs();
  let bytes = 0n;
  while (bytes < order.bytes) {
    const step = order.bytes - bytes < STEP_BYTES ? order.bytes - bytes : STEP_BYTES;
    if (!world.reclaim(step, order.swappiness)) return { bytes, end: 'exhausted' };
    bytes += step;
    const elapsedMs = world.nowMs() - startMs;
    const window = Math.max(MIN_WINDOW_MS, elapsedMs);
    if (stallPercent(startUs, world.stallUs(), window) > percentLimit) return { bytes, end: 'pressure' };
    if (elapsedMs >= deadlineMs) return { bytes, end: 'deadline' };
  }
  return { bytes, end: 'done' };
}
