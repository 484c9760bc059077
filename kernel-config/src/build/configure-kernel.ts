import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MergedRequests } from '../fragment/merge-fragments.ts';
import { formatRequests } from '../fragment/merge-fragments.ts';
import { parseDotConfig } from '../kconfig/dot-config.ts';
import { explainCasualty } from '../kconfig/explain-casualty.ts';
import { findCasualties } from '../kconfig/find-casualties.ts';
import { readKconfigTree } from '../kconfig/kconfig-tree.ts';
import { BuildFailure } from './failure.ts';
import { REPRODUCIBLE } from './reproducible.ts';
import { runCommand } from './run-command.ts';

/** The kernel's own name for the folder of an architecture. */
const SOURCE_ARCH: Readonly<Record<string, string>> = { x86_64: 'x86' };

/**
 * Makes `.config` in `objectFolder` from allnoconfig and the requests, and checks that every request survived.
 * An unchanged `.config` keeps its time stamp, so that an incremental build stays one.
 *
 * @throws {BuildFailure} with one line per request that was lost.
 */
export async function configureKernel(
  sourceFolder: string,
  objectFolder: string,
  requests: MergedRequests,
  arch: string,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(objectFolder, { recursive: true });
  const requestFile = join(objectFolder, 'requests.config');
  const dotConfig = join(objectFolder, '.config');
  const text = formatRequests(requests);
  const isUnchanged = existsSync(dotConfig) && (await readFile(requestFile, 'utf8').catch(() => '')) === text;
  if (!isUnchanged) {
    await writeFile(requestFile, text);
    await runCommand(
      'make',
      ['-C', sourceFolder, `O=${objectFolder}`, `KCONFIG_ALLCONFIG=${requestFile}`, ...REPRODUCIBLE, 'allnoconfig'],
      signal ? { signal } : {},
    );
  }
  const result = parseDotConfig(await readFile(dotConfig, 'utf8'));
  const casualties = findCasualties(requests, result);
  if (casualties.length === 0) return;
  const declarations = readKconfigTree('Kconfig', SOURCE_ARCH[arch] ?? arch, (path) => readIfThere(sourceFolder, path));
  const lines = casualties.map((casualty) => `  ${explainCasualty(casualty, declarations, result)}`);
  throw new BuildFailure(`${casualties.length} requested symbols did not survive:\n${lines.join('\n')}`);
}

function readIfThere(folder: string, path: string): string | undefined {
  try {
    return readFileSync(join(folder, path), 'utf8');
  } catch {
    return undefined;
  }
}
