import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBusyboxRoot } from '../../rootfs-builder/src/busybox/create-busybox-root.ts';
import { products } from '../support/repository.ts';

/** What is measured: copies of the build's products, so that a build beside the bench changes nothing. */
export class Workspace implements AsyncDisposable {
  readonly folder: string;
  readonly agent: string;
  /** `kihon-oci`, its image included. */
  readonly runtime: string;
  readonly initrd: string;
  /** A busybox root file system. */
  readonly root: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.agent = join(folder, 'kihon-agent');
    this.runtime = join(folder, 'kihon-oci');
    this.initrd = join(folder, 'kihon-initrd.img');
    this.root = join(folder, 'root');
  }

  /** @throws Error naming the product that is not there and how to get it */
  static async create(): Promise<Workspace> {
    const workspace = new Workspace(mkdtempSync(join(tmpdir(), 'kihon-bench-')));
    try {
      for (const [name, target] of [
        ['kihon-agent', workspace.agent],
        ['kihon-oci', workspace.runtime],
        ['kihon-initrd.img', workspace.initrd],
      ] as const) {
        const source = join(products, name);
        if (!existsSync(source)) throw new Error(`no ${source}; \`make all\` builds it`);
        copyFileSync(source, target);
      }
      mkdirSync(workspace.root);
      await createBusyboxRoot(workspace.root);
      return workspace;
    } catch (error) {
      await workspace[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
