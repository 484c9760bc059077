import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeExit, type HelperProcess } from './helper-process.ts';
import { HostError } from './host-error.ts';

/** How often a socket path is looked at, in ms. A vhost-user program has no other way to say that it listens. */
const POLL_MS = 5;

/**
 * Returns when `helper` has created its listening socket. Connecting as a test is not an option: both vhost-user
 * programs accept one connection only.
 *
 * @throws HostError when the helper ends first or `timeoutMs` passes
 */
export async function waitForSocket(
  helper: HelperProcess,
  path: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  while (!existsSync(path)) {
    options.signal?.throwIfAborted();
    if (helper.exit !== undefined) throw new HostError(describeExit(helper.name, helper.exit, helper.lastWords()));
    if (performance.now() > deadline) throw new HostError(`${helper.name} did not listen on ${path} in time`);
    await sleep(POLL_MS);
  }
}
