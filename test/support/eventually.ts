import { setTimeout as sleep } from 'node:timers/promises';

/** Time between two looks, in ms. */
const STEP_MS = 20;

/**
 * Repeats `attempt` until it does not throw, and returns its result. After `deadlineMs` its last error is thrown. For states that
 * the kernel or another process reaches on its own; the deadline only bounds a failing test.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, deadlineMs = 60_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(STEP_MS);
  }
}

/** Fails with `what` unless `promise` settles within `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
