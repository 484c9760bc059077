import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const NAME = 'durations.json';

/** How long steps took on this machine, by a name such as "base debian". It is for estimates only, so it may be lost. */
export class Durations {
  readonly #path: string;
  readonly #times: Record<string, number>;

  private constructor(path: string, times: Record<string, number>) {
    this.#path = path;
    this.#times = times;
  }

  static async read(folder: string): Promise<Durations> {
    const path = join(folder, NAME);
    const times = Object.create(null) as Record<string, number>;
    try {
      for (const [name, ms] of Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>))
        if (typeof ms === 'number' && ms >= 0) times[name] = ms;
    } catch {
      // None yet, or damaged: there are no estimates then.
    }
    return new Durations(path, times);
  }

  /** Milliseconds, or 0 when it was never done. */
  expected(name: string): number {
    return this.#times[name] ?? 0;
  }

  async note(name: string, ms: number): Promise<void> {
    this.#times[name] = Math.round(ms);
    // Where the next build removes it, should we be killed here.
    const temporary = join(dirname(this.#path), 'tmp', `${process.pid}-${NAME}`);
    try {
      await mkdir(dirname(temporary), { recursive: true });
      await writeFile(temporary, JSON.stringify(this.#times));
      await rename(temporary, this.#path);
    } catch {
      // An estimate less.
    }
  }
}
