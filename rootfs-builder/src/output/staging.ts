import { createHash } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describing } from '../build-error.ts';
import type { Written } from './write-output.ts';

/** A folder beside the output in which everything is made, and from which finished files move to their final names. */
export interface Staging {
  /** Path of a file in the folder, to be made by the caller. */
  path(name: string): string;
  /** Says that the file `name` of the folder shall become `finalPath`. Files move in this order reversed, the first one last. */
  keep(name: string, finalPath: string): void;
}

/**
 * Runs `work` with a staging folder beside `output` and moves what it kept to the final names; the image, kept first,
 * appears last, so that it never stands without its companions. When `work` fails or `signal` aborts, nothing appears and
 * the folder goes away, also when the process exits. Throws BuildError, or the signal's reason.
 */
export async function staged(
  output: string,
  signal: AbortSignal | undefined,
  work: (staging: Staging) => Promise<void>,
): Promise<Written[]> {
  signal?.throwIfAborted();
  const folder = join(dirname(output), `.${basename(output)}.${process.pid}.tmp`);
  const discard = (): void => rmSync(folder, { recursive: true, force: true });
  const kept: { from: string; to: string }[] = [];
  process.once('exit', discard);
  try {
    return await describing(`write ${output}`, async () => {
      await mkdir(dirname(output), { recursive: true });
      await rm(folder, { recursive: true, force: true }); // of a killed process that had our number
      await mkdir(folder, { mode: 0o700 });
      await work({
        path: (name) => join(folder, name),
        keep: (name, finalPath) => void kept.push({ from: join(folder, name), to: finalPath }),
      });
      const written: Written[] = [];
      for (const { from, to } of kept) written.push({ ...(await measureFile(from, signal)), path: to });
      signal?.throwIfAborted();
      for (const { from, to } of kept.reverse()) await rename(from, to);
      return written;
    });
  } finally {
    // Best effort: what went wrong above is what the caller must hear.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    process.removeListener('exit', discard);
  }
}

/** Size and SHA-256 of a file. */
export async function measureFile(path: string, signal?: AbortSignal): Promise<Written> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>) {
    signal?.throwIfAborted();
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { path, sizeBytes, sha256: hash.digest('hex') };
}
