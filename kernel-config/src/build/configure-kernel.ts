import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Architecture } from '../architecture.ts';
import { loadAllowedMissing, whyAllowedMissing } from '../fragment/allowed-missing.ts';
import type { MergedRequests } from '../fragment/merge-fragments.ts';
import { formatRequests } from '../fragment/merge-fragments.ts';
import { type DotConfig, parseDotConfig } from '../kconfig/dot-config.ts';
import { explainCasualty } from '../kconfig/explain-casualty.ts';
import { findCasualties } from '../kconfig/find-casualties.ts';
import { readKconfigTree, type SymbolDeclaration } from '../kconfig/kconfig-tree.ts';
import type { Toolchain } from './compiler.ts';
import { BuildFailure } from './failure.ts';
import { REPRODUCIBLE } from './reproducible.ts';
import { runCommand } from './run-command.ts';

/** A kernel source and what is made of it. */
export interface ConfigureOptions {
  readonly sourceFolder: string;
  readonly objectFolder: string;
  readonly requests: MergedRequests;
  readonly architecture: Architecture;
  readonly toolchain: Toolchain;
  readonly kernelVersion: string;
  readonly signal?: AbortSignal;
}

/** A configuration that may be built. */
export interface Configured {
  readonly result: DotConfig;
  /** Requests that were lost and may be, as `SYMBOL: reason`. */
  readonly allowedMissing: readonly string[];
}

/**
 * Makes `.config` in `objectFolder` from allnoconfig and the requests, and checks that every request survived or is in the list of
 * those that may be missing. An unchanged `.config` keeps its time stamp, so that an incremental build stays one.
 *
 * @throws {BuildFailure} with one line per request that was lost.
 */
export async function configureKernel(options: ConfigureOptions): Promise<Configured> {
  const { sourceFolder, requests, architecture, kernelVersion } = options;
  const result = await makeDotConfig(options);
  const rules = await loadAllowedMissing();
  const casualties = [];
  const allowedMissing: string[] = [];
  for (const casualty of findCasualties(requests, result)) {
    const { request, actual } = casualty;
    const allowed =
      actual === 'n' ? whyAllowedMissing(rules, request.name, kernelVersion, architecture.name) : undefined;
    if (allowed === undefined) casualties.push(casualty);
    else allowedMissing.push(`${request.name}: ${allowed}`);
  }
  if (casualties.length === 0) return { result, allowedMissing };
  const declarations = kconfigOf(sourceFolder, architecture);
  const lines = casualties.map((casualty) => `  ${explainCasualty(casualty, declarations, result)}`);
  throw new BuildFailure(
    `${casualties.length} requested ${casualties.length === 1 ? 'symbol' : 'symbols'} did not survive ` +
      `(${kernelVersion}, ${architecture.name}):\n${lines.join('\n')}`,
  );
}

/** Runs the kernel's own allnoconfig with the requests, unless that was done before. */
export async function makeDotConfig(options: Omit<ConfigureOptions, 'kernelVersion'>): Promise<DotConfig> {
  const { sourceFolder, objectFolder, requests, toolchain, signal } = options;
  await mkdir(objectFolder, { recursive: true });
  const requestFile = join(objectFolder, 'requests.config');
  const dotConfig = join(objectFolder, '.config');
  const text = formatRequests(requests);
  const isUnchanged = existsSync(dotConfig) && (await readFile(requestFile, 'utf8').catch(() => '')) === text;
  if (!isUnchanged) {
    await writeFile(requestFile, text);
    await runCommand(
      'make',
      [
        ...['-C', sourceFolder, `O=${objectFolder}`, `-j${availableParallelism()}`],
        ...[...toolchain.variables, ...REPRODUCIBLE],
        ...[`KCONFIG_ALLCONFIG=${requestFile}`, 'allnoconfig'],
      ],
      signal ? { signal } : {},
    );
  }
  return parseDotConfig(await readFile(dotConfig, 'utf8'));
}

/** What the source's Kconfig files declare for an architecture. */
export function kconfigOf(sourceFolder: string, architecture: Architecture): Map<string, SymbolDeclaration[]> {
  return readKconfigTree('Kconfig', architecture.sourceArch, (path) => readIfThere(sourceFolder, path));
}

function readIfThere(folder: string, path: string): string | undefined {
  try {
    return readFileSync(join(folder, path), 'utf8');
  } catch {
    return undefined;
  }
}
