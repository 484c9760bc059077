import type { EventLoop } from '../../../agent/src/sys/loop.ts';
import { sleep } from '../../../agent/src/sys/readiness.ts';

/** Time between two looks, and how long something may take that the kernel or a child does in its own time, in ms. */
const STEP_MS = 5;
const MOST_MS = 20_000;

/** Waits until something has come about. What follows checks it: the limit only bounds a failing program. */
export async function until(loop: EventLoop, isTrue: () => boolean): Promise<void> {
  for (const end = loop.now() + MOST_MS; !isTrue() && loop.now() < end;) await sleep(loop, STEP_MS);
}
