import { rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describing } from '../build-error.ts';
import { removeAbandoned, temporaryName } from './temporary-name.ts';

/**
 * Runs `work` on the name of a temporary file or folder beside `output`, on the same file system. What has that name afterwards
 * goes away, also when the process exits. Throws BuildError, or the reason of `signal`.
 */
export async function besideOutput<T>(
  output: string,
  signal: AbortSignal | undefined,
  work: (temporary: string) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const temporary = temporaryName(output);
  const discard = (): void => rmSync(temporary, { recursive: true, force: true });
  process.once('exit', discard);
  try {
    return await describing(`write ${output}`, async () => {
      await mkdir(dirname(output), { recursive: true });
      await removeAbandoned(output);
      await rm(temporary, { recursive: true, force: true }); // of a killed process that had our number
      return await work(temporary);
    });
  } finally {
    // Best effort: what went wrong above is what the caller must hear.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    process.removeListener('exit', discard);
  }
}
