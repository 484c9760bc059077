import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { type Architecture, ARCHITECTURES, findArchitecture, hostArchitecture } from '../architecture.ts';
import { CONFIGURATIONS, DEFAULT_SERIES, findConfiguration, type KernelConfiguration } from '../configurations.ts';
import { loadFragments } from '../fragment/load-fragments.ts';
import { formatRequests } from '../fragment/merge-fragments.ts';
import { acquireBuildLock } from './build-lock.ts';
import { isBuildStep } from './build-progress.ts';
import { kernelCacheFolder, REPOSITORY } from './cache-folder.ts';
import { kernelCacheKey } from './cache-key.ts';
import { codeFlags } from './cold-code.ts';
import { compilerRequirements, compilerVariables, findToolchain } from './compiler.ts';
import { configureKernel } from './configure-kernel.ts';
import { BuildFailure } from './failure.ts';
import { findKernel, installKernel, type KernelRecord, storeKernel } from './finished-kernel.ts';
import type { KernelReport } from './kernel-event.ts';
import { locateSource, readKernelVersion } from './kernel-source.ts';
import { loadPatches, patchesDigest } from './patches.ts';
import { prepareSource } from './prepare-source.ts';
import { REPRODUCIBLE } from './reproducible.ts';
import { BUILD_REQUIREMENTS, checkRequirements } from './requirements.ts';
import { mayPrecompile, runMake } from './run-make.ts';

/** Which kernel, of which source. */
export interface KernelRequest {
  /** Name of a configuration: lean, kata, debug or confidential. */
  readonly config: string;
  /** As `uname -m` says it; this machine's when it is not given. */
  readonly architecture?: string;
  /** Kernel series such as 6.12 (the default) or 7.2. */
  readonly series?: string;
  /** Names of fragments, or paths of files with a `/`, added to those of the configuration. */
  readonly extraFragments?: readonly string[];
  /** Paths of patches, applied after those in `kernel-config/patches/<series>/`. */
  readonly patches?: readonly string[];
  /** Source tarball, when not that of the series. */
  readonly tarball?: string;
  readonly signal?: AbortSignal;
  readonly report?: KernelReport;
}

export interface BuildOptions extends KernelRequest {
  /** Where `vmlinuz`, `vmlinux` and the configuration are put; `build/<architecture>` when it is not given. */
  readonly output?: string;
  /** Compilers at once; one more than there are processors when it is not given, for make's own pauses. */
  readonly jobs?: number;
  /** Build even if the cache has it, and from an empty object tree. */
  readonly isFresh?: boolean;
  /** Compile each object's headers with it, also where they could be compiled once for all (`precompiled/`). */
  readonly isWithoutPrecompiled?: boolean;
}

/** A kernel that is in its place. */
export interface BuiltKernel {
  readonly record: KernelRecord;
  readonly isFromCache: boolean;
  readonly files: readonly string[];
}

/** How often progress is reported at most. */
const REPORT_INTERVAL_MS = 250;

/**
 * Gives the kernel of a configuration: from the cache when the same requests were built from the same source, else by building it.
 * An interrupted build goes on from its object tree; nothing appears in the output folder before it is whole.
 *
 * @throws {BuildFailure} with what is missing or wrong, {FragmentError} on a wrong fragment, {BuildInterrupted} after `signal`.
 */
export async function buildKernel(options: BuildOptions): Promise<BuiltKernel> {
  const { signal, report } = options;
  const { configuration, architecture, requests, patches } = await readRequest(options);
  const output = options.output ?? join(REPOSITORY, 'build', architecture.name);
  const jobs = options.jobs ?? availableParallelism() + 1;
  const cacheFolder = kernelCacheFolder();
  const tarball = await locateSource(options);
  const flags = await codeFlags(configuration, architecture, options.series ?? DEFAULT_SERIES);
  const key = kernelCacheKey({
    arch: architecture.name,
    sourceDigest: tarball.digest + patchesDigest(patches),
    requests: formatRequests(requests),
    flags,
  });
  const entryFolder = join(cacheFolder, 'built', key);
  const install = async (record: KernelRecord, isFromCache: boolean): Promise<BuiltKernel> => {
    const files = await installKernel(entryFolder, output, configuration.outputs);
    report?.({ event: 'finished', isFromCache, record, files });
    return { record, isFromCache, files };
  };
  const cached = options.isFresh === true ? undefined : await findKernel(entryFolder, configuration.outputs);
  if (cached) return install(cached, true);

  await checkRequirements([...BUILD_REQUIREMENTS, ...compilerRequirements(architecture)]);
  const toolchain = await findToolchain(architecture);
  const withSignal = signal ? { signal } : {};
  const sourceFolder = await prepareSource(tarball, patches, cacheFolder, options);
  // An object tree of its own: objects of the other kind would all be compiled again.
  const kind = options.isWithoutPrecompiled === true ? '-no-pch' : '';
  const objects = `${configuration.name}-${architecture.name}-${basename(sourceFolder)}${kind}`;
  const objectFolder = join(cacheFolder, 'obj', objects);
  await using _buildLock = await acquireBuildLock(`${objectFolder}.lock`);
  if (options.isFresh === true) await rm(objectFolder, { recursive: true, force: true });
  // Only a build from nothing shows how many steps there are.
  const isFromNothing = !existsSync(join(objectFolder, '.config'));
  const kernelVersion = await readKernelVersion(sourceFolder);
  const { allowedMissing } = await configureKernel({
    ...{ sourceFolder, objectFolder, requests, architecture, toolchain, kernelVersion },
    ...withSignal,
  });
  report?.({
    ...{ event: 'configured', configuration: configuration.name, architecture: architecture.name, kernelVersion },
    ...{ requested: requests.size, allowedMissing },
  });

  const stepsFile = join(cacheFolder, `steps-${configuration.name}-${architecture.name}`);
  const expectedSteps = (await readNumber(stepsFile)) ?? configuration.expectedSteps;
  report?.({ event: 'building', kernelVersion, jobs, objects: objectFolder });
  const counter = new StepCounter(expectedSteps, report);
  const isPrecompiled = options.isWithoutPrecompiled !== true && mayPrecompile(options, configuration, architecture);
  await runMake({
    ...{ sourceFolder, objectFolder, jobs, architecture, isPrecompiled, hasSmallCode: flags !== '' },
    variables: [...toolchain.variables, ...REPRODUCIBLE, ...compilerVariables(flags)],
    onLine: (line) => {
      counter.onLine(line);
    },
    ...withSignal,
    ...(report ? { report } : {}),
  });
  const buildMs = Math.round(counter.elapsedMs);
  if (isFromNothing) {
    await mkdir(cacheFolder, { recursive: true });
    await writeFile(stepsFile, `${counter.steps}\n`);
  }
  const record = await storeKernel({
    ...{ objectFolder, entryFolder, configuration, architecture, toolchain },
    // A kernel with more than its configuration may weigh more.
    maxImageBytes: (options.extraFragments ?? []).length > 0 ? Number.POSITIVE_INFINITY : configuration.maxImageBytes,
    facts: { kernelVersion, buildMs },
  });
  return await install(record, false);
}

/** The names of a request, looked up; fragments and patches, read. */
export async function readRequest(request: KernelRequest): Promise<{
  configuration: KernelConfiguration;
  architecture: Architecture;
  requests: Awaited<ReturnType<typeof loadFragments>>;
  patches: Awaited<ReturnType<typeof loadPatches>>;
}> {
  const configuration = findConfiguration(request.config);
  if (!configuration)
    throw new BuildFailure(`no configuration "${request.config}"; there are: ${names(CONFIGURATIONS)}`);
  const wanted = request.architecture ?? hostArchitecture();
  const architecture = findArchitecture(wanted);
  if (!architecture) throw new BuildFailure(`no kernel for "${wanted}"; there are: ${names(ARCHITECTURES)}`);
  const series = request.series ?? DEFAULT_SERIES;
  const fragments = [...configuration.fragments, ...(request.extraFragments ?? [])];
  return {
    configuration,
    architecture,
    requests: await loadFragments(fragments, architecture.name, { series }),
    patches: await loadPatches(series, request.patches),
  };
}

/** Counts make's steps and reports them, not too often. */
class StepCounter {
  steps = 0;
  #lastMs = -REPORT_INTERVAL_MS;
  readonly #started = performance.now();
  readonly #expectedSteps: number;
  readonly #report: KernelReport | undefined;

  constructor(expectedSteps: number, report: KernelReport | undefined) {
    this.#expectedSteps = expectedSteps;
    this.#report = report;
  }

  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  onLine(line: string): void {
    if (isBuildStep(line)) this.steps++;
    const elapsedMs = this.elapsedMs;
    if (elapsedMs - this.#lastMs < REPORT_INTERVAL_MS) return;
    this.#lastMs = elapsedMs;
    this.#report?.({ event: 'progress', steps: this.steps, expectedSteps: this.#expectedSteps, elapsedMs });
  }
}

function names(list: readonly { readonly name: string }[]): string {
  return list.map(({ name }) => name).join(', ');
}

async function readNumber(path: string): Promise<number | undefined> {
  const value = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  return value > 0 ? value : undefined;
}
