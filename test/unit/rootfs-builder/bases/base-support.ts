import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaseContext } from '../../../../rootfs-builder/src/bases/base.ts';
import { PackWriter } from '../../../../rootfs-builder/src/cache/pack-writer.ts';

/** A folder for one test, and what a base is made with in it. */
export class Workshop implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kihon-base-'));
  #count = 0;

  /** A context with a pack of its own. */
  context(architecture = 'x86_64'): BaseContext {
    const own = join(this.folder, `context-${this.#count++}`);
    mkdirSync(own);
    return {
      architecture,
      pack: new PackWriter(join(own, 'pack')),
      temporaryFolder: own,
      downloadFolder: join(this.folder, 'downloads'),
      sourceDateEpoch: 0,
      report: () => undefined,
    };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
