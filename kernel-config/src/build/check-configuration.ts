import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExtraSymbol, findExtras } from '../kconfig/explain-extra.ts';
import type { DotConfig } from '../kconfig/dot-config.ts';
import { type KernelRequest, readRequest } from './build-kernel.ts';
import { kernelCacheFolder } from './cache-folder.ts';
import { findToolchain } from './compiler.ts';
import { configureKernel, kconfigOf, makeDotConfig } from './configure-kernel.ts';
import { locateSource, readKernelVersion } from './kernel-source.ts';
import { prepareSource } from './prepare-source.ts';
import { BUILD_REQUIREMENTS, checkRequirements } from './requirements.ts';

/** What a check found; requests that were lost without leave are an error instead. */
export interface CheckedConfiguration {
  readonly configuration: string;
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly requested: number;
  /** Requests that were lost and may be, as `SYMBOL: reason`. */
  readonly allowedMissing: readonly string[];
  /** What is on and no fragment asked for. */
  readonly extras: readonly ExtraSymbol[];
  /** Symbols that the architecture has on whatever is asked. */
  readonly architectureOn: number;
  /** Whether Kconfig asked the architecture's own compiler; else some answers about compilers are this machine's. */
  readonly isOwnCompiler: boolean;
  /** The whole result. */
  readonly result: DotConfig;
}

/**
 * Merges the fragments on the kernel source without building anything (some seconds once the source is unpacked).
 *
 * @throws {BuildFailure} listing the requests that did not survive.
 */
export async function checkConfiguration(options: KernelRequest): Promise<CheckedConfiguration> {
  const { signal } = options;
  const { configuration, architecture, requests, patches } = await readRequest(options);
  await checkRequirements(BUILD_REQUIREMENTS);
  const toolchain = await findToolchain(architecture);
  const tarball = await locateSource(options);
  const sourceFolder = await prepareSource(tarball, patches, kernelCacheFolder(), options);
  const kernelVersion = await readKernelVersion(sourceFolder);
  const scratch = await mkdtemp(join(tmpdir(), 'kihon-kernel-check-'));
  const common = { sourceFolder, architecture, toolchain, ...(signal ? { signal } : {}) };
  try {
    const { result, allowedMissing } = await configureKernel({
      ...common,
      objectFolder: join(scratch, 'asked'),
      requests,
      kernelVersion,
    });
    const baseline = await makeDotConfig({ ...common, objectFolder: join(scratch, 'nothing'), requests: new Map() });
    return {
      configuration: configuration.name,
      architecture: architecture.name,
      kernelVersion,
      requested: requests.size,
      allowedMissing,
      extras: findExtras(requests, result, baseline, kconfigOf(sourceFolder, architecture)),
      architectureOn: [...baseline.values()].filter((value) => value === 'y').length,
      isOwnCompiler: toolchain.canBuild,
      result,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
