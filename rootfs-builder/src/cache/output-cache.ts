import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { hashFile } from '../bases/simple-bases.ts';
import { reasonOf } from '../build-error.ts';
import type { WrittenImage } from '../format/format.ts';
import { removeAbandoned } from '../output/temporary-name.ts';
import { replacing } from '../output/write-output.ts';
import { copySparse } from './copy-sparse.ts';

const RECORD = 'record.json';

/** Keeps copies of finished images under the key of what they were made of. */
export class OutputCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Keeps an image whose main file is `output`. A copy that cannot be made (a full disk, an interruption) is no error. */
  async store(
    key: string,
    image: WrittenImage,
    output: string,
    temporaryFolder: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const staging = join(temporaryFolder, `output-${key}`);
    try {
      await mkdir(staging, { recursive: true });
      for (const [index, file] of image.files.entries())
        await copySparse(file.path, join(staging, String(index)), signal);
      const files = image.files.map((file) => ({ ...file, path: kept(file.path, output) }));
      await writeFile(join(staging, RECORD), JSON.stringify({ ...image, files }));
      await mkdir(this.#folder, { recursive: true });
      await discard(join(this.#folder, key), temporaryFolder);
      await rename(staging, join(this.#folder, key));
    } catch {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /**
   * Puts the image of `key` at `output`: left as it is where the files are there already, else copied. Undefined when the
   * cache has none, or one that is damaged.
   */
  async restore(key: string, output: string, signal?: AbortSignal): Promise<WrittenImage | undefined> {
    const entry = join(this.#folder, key);
    const image = await recordOf(entry);
    if (!image?.files.every((_, index) => existsSync(join(entry, String(index))))) return undefined;
    const files = image.files.map((file) => ({ ...file, path: restored(file.path, output) }));
    // The image, which is the first, appears last: it never stands without its companions.
    for (const [index, file] of [...files.entries()].reverse()) {
      if (await isSame(file.path, file.sizeBytes, file.sha256)) {
        // Each write does it; here is none, and a build that was to make the same anew may have been killed at it.
        await removeAbandoned(file.path);
        continue;
      }
      let copied = '';
      await replacing(file.path, signal, async (temporary) => {
        copied = await copySparse(join(entry, String(index)), temporary, signal);
        if (copied !== file.sha256) throw new Error('damaged');
      }).catch((error: unknown) => {
        if (copied === '' || copied === file.sha256) throw error;
      });
      if (copied !== file.sha256) {
        await rm(entry, { recursive: true, force: true });
        return undefined;
      }
    }
    const now = new Date();
    await utimes(entry, now, now).catch(() => undefined); // what was used last is kept longest
    return { ...image, files };
  }
}

/** What is known of an entry; undefined when there is none, or a power cut left a damaged one. */
async function recordOf(entry: string): Promise<WrittenImage | undefined> {
  try {
    return JSON.parse(await readFile(join(entry, RECORD), 'utf8')) as WrittenImage;
  } catch {
    return undefined;
  }
}

/** Stands for the output's own name, so that an output with another name can take the files over. */
const OWN = '*';

function kept(path: string, output: string): string {
  return path.startsWith(output) ? `${OWN}${path.slice(output.length)}` : relative(dirname(output), path);
}

function restored(path: string, output: string): string {
  return path.startsWith(OWN) ? `${output}${path.slice(OWN.length)}` : join(dirname(output), path);
}

async function isSame(path: string, sizeBytes: number, sha256: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true && stats.size === sizeBytes && (await hashFile(path)) === sha256;
}

/** Removes an entry of the cache, which is gone at once: one that is half removed would look like an entry. */
export async function discard(entry: string, temporaryFolder: string): Promise<void> {
  const aside = join(temporaryFolder, `discarded-${basename(entry)}`);
  try {
    await rename(entry, aside);
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/** Removes the entries of a cache folder that were used longest ago, but for `kept`. */
export async function pruneCache(folder: string, kept: number, temporaryFolder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const dated = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  const old = dated.sort((left, right) => right.time - left.time).slice(kept);
  for (const { name } of old) await discard(join(folder, name), temporaryFolder);
}
