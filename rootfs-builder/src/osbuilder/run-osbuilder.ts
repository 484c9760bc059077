import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BuildError } from '../build-error.ts';
import { buildGuest } from '../build/build-guest.ts';
import { hostArchitecture } from '../build/host-architecture.ts';
import { ProgressView } from '../build/progress-view.ts';
import type { ProgressTarget } from '../build/progress-view.ts';
import { imageCacheFolder } from '../cache/cache-folder.ts';
import type { BuildKind } from '../recipe/recipe.ts';
import { shippedPolicy } from '../recipe/find-recipe.ts';
import { recipeOf } from '../recipe/parse-recipe.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import type { Variables } from './recipe-from-variables.ts';
import { recipeFromVariables } from './recipe-from-variables.ts';

const DEFAULT_DISTRO = 'ubuntu';

/** What a target of osbuilder's Makefile is: `image`, `rootfs-debian`, `initrd-alpine`. */
export function parseTarget(
  target: string,
  variables: Variables,
): { kind: Exclude<BuildKind, 'kernel'>; distro: string } {
  const [, kind, distro] = /^(rootfs|image|initrd)(?:-(.+))?$/.exec(target) ?? [];
  if (kind !== 'rootfs' && kind !== 'image' && kind !== 'initrd')
    throw new BuildError(
      `target ${target}: there are rootfs, image and initrd, each also with -DISTRO, and list-distros`,
    );
  const named = variables.DISTRO;
  return { kind, distro: distro ?? (named === undefined || named === '' ? DEFAULT_DISTRO : named) };
}

/** Runs one target with the variables of osbuilder. Throws BuildError, or the reason of `signal`. */
export async function runOsbuilder(
  target: string,
  variables: Variables,
  agentFor: (architecture: string) => string | undefined,
  streams: { readonly out: ProgressTarget; readonly err: ProgressTarget },
  signal: AbortSignal,
): Promise<void> {
  const { out, err } = streams;
  if (target === 'list-distros') {
    out.write(`${Object.keys(DISTRIBUTIONS).sort().join('\n')}\n`);
    return;
  }
  const { kind, distro } = parseTarget(target, variables);
  const build = recipeFromVariables(kind, distro, variables, hostArchitecture(), shippedPolicy('allow-all'));
  for (const remark of build.remarks) err.write(`${remark}\n`);
  const recipe = recipeOf(build.document, join(process.cwd(), 'osbuilder'), hostArchitecture());
  const file = resolve(build.file);
  if (build.format === 'dir') await clearOldRoot(file);
  const defaultAgent = agentFor(recipe.architecture);
  using view = new ProgressView(err);
  const built = await buildGuest({
    recipe,
    kind,
    file,
    format: build.format,
    cacheFolder: imageCacheFolder(),
    ...(defaultAgent === undefined ? {} : { defaultAgent }),
    environment: variables,
    onEvent: view.onEvent,
    signal,
  });
  for (const { path } of built.files) out.write(`${path}\n`);
  if (built.kernelParameters.length > 0) out.write(`kernel parameters: ${built.kernelParameters.join(' ')}\n`);
}

/** osbuilder empties ROOTFS_DIR. We do so with a tree that either of us made, and with nothing else. */
async function clearOldRoot(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) return;
  if (!existsSync(join(folder, 'var/lib/osbuilder/osbuilder.yaml')))
    throw new BuildError(`ROOTFS_DIR ${folder}: holds something that no builder made; remove it first`);
  await rm(folder, { recursive: true });
}
