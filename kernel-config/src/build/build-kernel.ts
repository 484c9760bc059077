import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelConfiguration } from '../configurations.ts';
import { loadFragments } from '../fragment/load-fragments.ts';
import { formatRequests } from '../fragment/merge-fragments.ts';
import { acquireBuildLock } from './build-lock.ts';
import { formatMinutes } from './build-progress.ts';
import { kernelCacheFolder } from './cache-folder.ts';
import { kernelCacheKey } from './cache-key.ts';
import { configureKernel } from './configure-kernel.ts';
import { findKernel, installKernel, type KernelRecord, storeKernel } from './finished-kernel.ts';
import { locateSource, readKernelVersion, removePartialTrees, sourceId, unpackSource } from './kernel-source.ts';
import { ProgressLine } from './progress-line.ts';
import { REPRODUCIBLE } from './reproducible.ts';
import { BUILD_REQUIREMENTS, checkRequirements } from './requirements.ts';
import { runCommand } from './run-command.ts';

export interface BuildOptions {
  readonly configuration: KernelConfiguration;
  /** Fragments added to those of the configuration. */
  readonly extraFragments?: readonly string[];
  readonly arch: string;
  /** Where `vmlinuz`, `vmlinux` and the configuration are put. */
  readonly outputFolder: string;
  readonly jobs: number;
  /** Source tarball, when not the Debian package's. */
  readonly tarball?: string;
  /** Build even if the cache has it, and from an empty object tree. */
  readonly isFresh?: boolean;
  readonly signal?: AbortSignal;
  /** Where progress and messages go. */
  readonly out: NodeJS.WriteStream;
}

/** A kernel that is in its place. */
export interface BuiltKernel {
  readonly record: KernelRecord;
  readonly isFromCache: boolean;
  readonly files: readonly string[];
}

/**
 * Gives the kernel of a configuration: from the cache when the same requests were built from the same source, else
 * by building it. Progress is told on `out`.
 *
 * @throws {BuildFailure} with what is missing or wrong, {BuildInterrupted} after `signal`.
 */
export async function buildKernel(options: BuildOptions): Promise<BuiltKernel> {
  const { configuration, arch, outputFolder, out, signal } = options;
  const say = (text: string): void => void out.write(`${text}\n`);
  const cacheFolder = kernelCacheFolder();
  const requests = await loadFragments([...configuration.fragments, ...(options.extraFragments ?? [])]);
  const tarball = await locateSource(options.tarball);
  const key = kernelCacheKey({ arch, sourceDigest: tarball.digest, requests: formatRequests(requests) });
  const entryFolder = join(cacheFolder, 'built', key);
  const cached = options.isFresh === true ? undefined : await findKernel(entryFolder);
  if (cached) {
    return {
      record: cached,
      isFromCache: true,
      files: await installKernel(entryFolder, outputFolder, configuration.outputs),
    };
  }

  await checkRequirements(BUILD_REQUIREMENTS);
  const objectFolder = join(cacheFolder, 'obj', `${configuration.name}-${arch}-${sourceId(tarball)}`);
  const withSignal = signal ? { signal } : {};
  let sourceFolder: string;
  {
    await using _lock = await acquireBuildLock(join(cacheFolder, 'src.lock'));
    await removePartialTrees(cacheFolder);
    sourceFolder = await unpackSource(tarball, cacheFolder, {
      ...withSignal,
      onStart: () => say(`kernel ${configuration.name}: unpacking ${tarball.path} (1.7 GB, about a minute)`),
    });
  }
  await using _buildLock = await acquireBuildLock(`${objectFolder}.lock`);
  if (options.isFresh === true) await rm(objectFolder, { recursive: true, force: true });
  // Only a build from nothing shows how many steps there are.
  const isFromNothing = !existsSync(join(objectFolder, '.config'));
  const kernelVersion = await readKernelVersion(sourceFolder);
  await configureKernel(sourceFolder, objectFolder, requests, arch, signal);

  const expectedSteps = await readExpectedSteps(cacheFolder, configuration);
  say(`kernel ${configuration.name}: building ${kernelVersion} with ${options.jobs} jobs in ${objectFolder}`);
  let buildMs: number;
  {
    using progress = new ProgressLine(`kernel ${configuration.name}`, expectedSteps, out);
    await runCommand(
      'make',
      ['-C', sourceFolder, `O=${objectFolder}`, `-j${options.jobs}`, ...REPRODUCIBLE, 'bzImage', 'vmlinux'],
      { ...withSignal, onLine: (line) => progress.onLine(line) },
    );
    buildMs = Math.round(progress.elapsedMs);
    if (isFromNothing) await recordSteps(cacheFolder, configuration, progress.steps);
  }
  const record = await storeKernel(objectFolder, entryFolder, configuration, { arch, kernelVersion, buildMs });
  say(`kernel ${configuration.name}: built in ${formatMinutes(buildMs)}`);
  return { record, isFromCache: false, files: await installKernel(entryFolder, outputFolder, configuration.outputs) };
}

function stepsFile(cacheFolder: string, configuration: KernelConfiguration): string {
  return join(cacheFolder, `steps-${configuration.name}`);
}

async function readExpectedSteps(cacheFolder: string, configuration: KernelConfiguration): Promise<number> {
  const recorded = await readNumber(stepsFile(cacheFolder, configuration));
  return recorded ?? configuration.expectedSteps;
}

async function recordSteps(cacheFolder: string, configuration: KernelConfiguration, steps: number): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(stepsFile(cacheFolder, configuration), `${steps}\n`);
}

async function readNumber(path: string): Promise<number | undefined> {
  const value = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  return value > 0 ? value : undefined;
}
