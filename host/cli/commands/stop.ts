import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { StateStore } from '../../sdk/state-store.ts';
import { HostError } from '../../vm/host-error.ts';
import { isProcessAlive, signalProcess } from '../../vm/process-identity.ts';
import { connectSandbox, requireRoot } from '../connect-sandbox.ts';
import { parseSeconds } from '../option-parsers.ts';
import { wantsJson } from '../command-context.ts';

/** Default time for the container to end by itself, and how long the owner may then take to clean up. */
const DEFAULT_GRACE_MS = 10_000;
const CLEAN_UP_MS = 20_000;

const POLL_MS = 20;

async function isGoneWithin(isGone: () => boolean, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!isGone()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Ends one sandbox through its owner, which cleans up; only an owner that does not answer is killed. */
async function stop(store: StateStore, name: string, graceMs: number): Promise<void> {
  const record = store.get(name);
  const isGone = (): boolean => !isProcessAlive(record.owner) || store.find(name)?.status === 'exited';
  if (record.status !== 'exited') {
    signalProcess(record.owner, 'SIGTERM');
    if (!(await isGoneWithin(isGone, graceMs))) {
      const client = await connectSandbox(record).catch(() => undefined);
      await client
        ?.call('SignalProcess', { container_id: name, exec_id: '', signal: 9 }, { timeoutMs: 2000 })
        .catch(() => undefined);
      client?.close();
      // A second signal means: never mind the container.
      signalProcess(record.owner, 'SIGTERM');
      if (!(await isGoneWithin(isGone, CLEAN_UP_MS))) {
        // Its VM dies with it, and the next look at the store removes the folder.
        signalProcess(record.owner, 'SIGKILL');
        if (!(await isGoneWithin(isGone, CLEAN_UP_MS))) throw new HostError(`process ${record.owner.pid} does not end`);
      }
    }
  }
  await isGoneWithin(() => !isProcessAlive(record.owner), CLEAN_UP_MS);
  if (store.find(name) !== undefined) store.forget(name);
}

/** `kihon stop`: ends sandboxes and removes what is left of them. */
export function addStopCommand(program: Command): void {
  program
    .command('stop')
    .summary('end sandboxes')
    .description('Sends the container SIGTERM, ends it and its VM, and removes the state of the sandbox.')
    .argument('<name...>', 'names of the sandboxes')
    .option('--timeout <seconds>', 'time for the container to end by itself (default 10)', parseSeconds)
    .option('--json', 'print as JSON')
    .action(async (names: readonly string[], flags: { timeout?: number }, command: Command) => {
      requireRoot();
      const store = new StateStore();
      for (const name of names) store.get(name);
      await Promise.all(names.map((name) => stop(store, name, flags.timeout ?? DEFAULT_GRACE_MS)));
      if (wantsJson(command)) process.stdout.write(`${JSON.stringify({ stopped: names })}\n`);
      else process.stdout.write(`${names.join('\n')}\n`);
    });
}
