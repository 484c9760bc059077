import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KernelConfiguration } from '../configurations.ts';
import { loadFragments } from '../fragment/load-fragments.ts';
import { acquireBuildLock } from './build-lock.ts';
import { kernelCacheFolder } from './cache-folder.ts';
import { configureKernel } from './configure-kernel.ts';
import { BUILD_REQUIREMENTS, checkRequirements } from './requirements.ts';
import { locateSource, removePartialTrees, unpackSource } from './kernel-source.ts';

export interface CheckOptions {
  readonly configuration: KernelConfiguration;
  readonly extraFragments?: readonly string[];
  readonly arch: string;
  readonly tarball?: string;
  readonly signal?: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/**
 * Merges the fragments on the kernel source without building anything (some seconds once the source is unpacked).
 * Returns how many symbols were requested.
 *
 * @throws {BuildFailure} listing the requests that did not survive.
 */
export async function checkConfiguration(options: CheckOptions): Promise<number> {
  const { configuration, arch, signal, out } = options;
  const cacheFolder = kernelCacheFolder();
  const requests = await loadFragments([...configuration.fragments, ...(options.extraFragments ?? [])]);
  await checkRequirements(BUILD_REQUIREMENTS);
  const tarball = await locateSource(options.tarball);
  let sourceFolder: string;
  {
    await using _lock = await acquireBuildLock(join(cacheFolder, 'src.lock'));
    await removePartialTrees(cacheFolder);
    sourceFolder = await unpackSource(tarball, cacheFolder, {
      ...(signal ? { signal } : {}),
      onStart: () => void out.write(`unpacking ${tarball.path} (1.7 GB, about a minute)\n`),
    });
  }
  const scratch = await mkdtemp(join(tmpdir(), 'kihon-kernel-check-'));
  try {
    await configureKernel(sourceFolder, scratch, requests, arch, signal);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return requests.size;
}
