import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BuildFailure } from './failure.ts';

/** Held while one process works in a folder; released by `await using`. */
export interface BuildLock extends AsyncDisposable {
  readonly path: string;
}

/**
 * Takes the lock file `path`, which holds our pid. A lock whose process is gone is taken over.
 *
 * @throws {BuildFailure} when another living process holds it.
 */
export async function acquireBuildLock(path: string): Promise<BuildLock> {
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(`${process.pid}\n`);
      await file.close();
      return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
      if (holder > 0 && isAlive(holder)) {
        throw new BuildFailure(`another kernel build is running (pid ${holder}, lock ${path})`);
      }
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
