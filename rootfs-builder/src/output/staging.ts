import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../build-error.ts';
import { besideOutput } from './beside-output.ts';
import type { Written } from './write-output.ts';

/** A folder beside the output in which everything is made, and from which finished files move to their final names. */
export interface Staging {
  /** Path of a file in the folder, to be made by the caller. */
  path(name: string): string;
  /**
   * Says that the file or directory `name` of the folder shall become `finalPath`. They move in this order reversed, the first one
   * last. A directory takes the place of another one.
   */
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
  return await besideOutput(output, signal, async (folder) => {
    const kept: { from: string; to: string }[] = [];
    await mkdir(folder, { mode: 0o700 });
    await work({
      path: (name) => join(folder, name),
      keep: (name, finalPath) => void kept.push({ from: join(folder, name), to: finalPath }),
    });
    const written: Written[] = [];
    for (const { from, to } of kept) written.push(...(await measure(from, to, signal)));
    signal?.throwIfAborted();
    for (const [index, { from, to }] of kept.reverse().entries())
      await replace(from, to, join(folder, `replaced.${index}`));
    return written;
  });
}

/** rename(2) replaces files but no directories: what is in the way moves into the folder that goes away. */
async function replace(from: string, to: string, aside: string): Promise<void> {
  if ((await stat(from)).isDirectory()) {
    await rename(to, aside).catch((error: unknown) => {
      if (reasonOf(error) !== 'ENOENT') throw error;
    });
  }
  await rename(from, to);
}

async function measure(from: string, to: string, signal: AbortSignal | undefined): Promise<Written[]> {
  if (!(await stat(from)).isDirectory()) return [{ ...(await measureFile(from, signal)), path: to }];
  const written: Written[] = [];
  for (const name of (await readdir(from)).sort())
    written.push(...(await measure(join(from, name), join(to, name), signal)));
  return written;
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
