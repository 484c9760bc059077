import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { atExit } from '../at-exit.ts';
import { createBusyboxRoot } from '../../../rootfs-builder/src/busybox/create-busybox-root.ts';

const run = promisify(execFile);

/** Root file systems of busybox for the containers of one test file. Made once, copied on demand. */
export class RootFilesystems implements AsyncDisposable {
  readonly folder: string;
  readonly #leaveExit: () => void;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.#leaveExit = atExit(() => rmSync(folder, { recursive: true, force: true }));
  }

  static async create(): Promise<RootFilesystems> {
    const folder = mkdtempSync(join(tmpdir(), 'kihon-roots-'));
    try {
      await createBusyboxRoot(join(folder, 'busybox'));
      return new RootFilesystems(folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** One that containers share and do not write to. */
  get shared(): string {
    return join(this.folder, 'busybox');
  }

  /** One of its own, for a test that changes it. */
  async copy(name = `root${this.#count}`): Promise<string> {
    this.#count += 1;
    const path = join(this.folder, name);
    await run('cp', ['-a', this.shared, path]);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this.#leaveExit();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
