import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BuildError } from '../build-error.ts';
import { sourceDateEpoch } from '../initrd/build-initrd.ts';
import { materialize } from '../output/materialize.ts';
import { replacing } from '../output/write-output.ts';
import { busyboxTree } from './busybox-root.ts';

/** How to make the directory. */
export interface BusyboxRootOptions {
  /** The static busybox to use; found by itself when not given. */
  readonly busybox?: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes `directory` a container root file system with busybox in it, whole or not at all. An empty directory is
 * replaced; one that holds something is refused.
 */
export async function createBusyboxRoot(directory: string, options: BusyboxRootOptions = {}): Promise<void> {
  const path = resolve(directory);
  const listed = await readdir(path).catch(() => []);
  if (listed.length > 0) throw new BuildError(`busybox root ${path}: the directory is there already and not empty`);
  const tree = await busyboxTree(options.busybox);
  await replacing(path, options.signal, async (temporary) => {
    await materialize(tree, temporary, sourceDateEpoch(process.env));
  });
}
