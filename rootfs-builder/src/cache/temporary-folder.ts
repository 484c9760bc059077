import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError, reasonOf } from '../build-error.ts';
import { untilExit } from './until-exit.ts';
import { isAlive } from '../process/is-alive.ts';

/** What a killed build left may belong to ids of a user namespace, which only root can remove: it must not stop the next build. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It stays.
  }
}

/** A folder that goes away with all it holds, at the latest when the process exits. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** Makes a folder for this build below `parent`, and removes those that killed builds left there. Throws BuildError. */
export function makeTemporaryFolder(parent: string): TemporaryFolder {
  try {
    mkdirSync(parent, { recursive: true });
    for (const name of readdirSync(parent)) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1] ?? 0);
      if (pid > 0 && !isAlive(pid)) removeIfPossible(join(parent, name));
    }
    const path = mkdtempSync(join(parent, `${process.pid}-`));
    return { path, ...untilExit(() => rmSync(path, { recursive: true, force: true })) };
  } catch (error) {
    throw new BuildError(`cache: make a folder in ${parent}: ${reasonOf(error)}`, error);
  }
}
