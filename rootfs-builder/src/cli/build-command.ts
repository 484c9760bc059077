import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError } from '../build-error.ts';
import { buildRecipe, guestKind, listBuildables, parseKind } from './build-recipe.ts';
import { allowOnly } from './options.ts';
import type { CliValues } from './options.ts';

/** `build`: makes an image, an initrd or a root tree of a recipe. It prints as it goes, so there is nothing left to print. */
export async function buildCommand(
  values: CliValues,
  operands: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  allowOnly('build', values, ['output', 'format', 'fresh', 'explain', 'list']);
  if (values.list === true) return await listBuildables(values.json === true);
  const [word = '', recipe, extra] = operands;
  const parsed = parseKind(word);
  const kind = parsed === undefined ? undefined : guestKind(parsed);
  if (kind === undefined || recipe === undefined || extra !== undefined)
    throw new BuildError('build: give image, initrd or rootfs, and one RECIPE (see build --help)');
  const { output, format, fresh, explain, json } = values;
  await buildRecipe(
    {
      kind,
      recipe,
      ...(output === undefined ? {} : { output }),
      ...(format === undefined ? {} : { format }),
      ...(fresh === undefined ? {} : { fresh }),
      ...(explain === undefined ? {} : { explain }),
      ...(json === undefined ? {} : { json }),
      agentFor: builtAgent,
    },
    { out: process.stdout, err: process.stderr },
    signal,
  );
  return '';
}

/** What `make agent` left in this repository. */
export function builtAgent(architecture: string): string | undefined {
  const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
  const path = join(repository, 'build', architecture, 'kihon-agent');
  return existsSync(path) ? path : undefined;
}
