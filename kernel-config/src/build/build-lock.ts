import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildFailure } from './failure.ts';
import { throwIfInterrupted } from './run-command.ts';

/** Held while one process works in a folder; released by `await using`. */
export interface BuildLock extends AsyncDisposable {
  readonly path: string;
}

/** How often a lock that is waited for is looked at. */
const POLL_MS = 200;

/**
 * Takes the lock file `path`, which holds our pid. A lock whose process is gone is taken over; one that is held is waited for
 * `waitMs` (0 unless given).
 *
 * @throws {BuildFailure} when another living process holds it.
 */
export async function acquireBuildLock(
  path: string,
  options: { readonly waitMs?: number; readonly signal?: AbortSignal } = {},
): Promise<BuildLock> {
  await mkdir(dirname(path), { recursive: true });
  const deadline = performance.now() + (options.waitMs ?? 0);
  for (;;) {
    throwIfInterrupted(options.signal);
    const holder = await tryLock(path);
    if (holder === undefined) return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    if (performance.now() >= deadline) {
      throw new BuildFailure(`another kernel build is running (pid ${holder}, lock ${path})`);
    }
    await sleep(POLL_MS);
  }
}

/** Undefined when the lock is ours now, else the pid of the holder. */
async function tryLock(path: string): Promise<number | undefined> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(`${process.pid}\n`);
      await file.close();
      return undefined;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
      if (holder > 0 && isAlive(holder)) return holder;
      await rm(path, { force: true });
    }
  }
  throw new BuildFailure(`lock ${path}: another build took it at the same moment`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
