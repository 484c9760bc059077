import { assertNever } from '../../../agent/src/base/assert-never.ts';
import { buildGuest, explainGuest } from '../build/build-guest.ts';
import type { BuildOptions, BuiltGuest } from '../build/build-guest.ts';
import { hostArchitecture } from '../build/host-architecture.ts';
import { FORMATS_OF_KIND } from '../build/output-plan.ts';
import { ProgressView, seconds } from '../build/progress-view.ts';
import type { ProgressTarget } from '../build/progress-view.ts';
import { imageCacheFolder } from '../cache/cache-folder.ts';
import { findRecipe, shippedRecipes } from '../recipe/find-recipe.ts';
import { BASE_KINDS } from '../recipe/recipe.ts';
import type { BuildKind } from '../recipe/recipe.ts';
import { tellingFailure } from './telling-failure.ts';

/** What the command line says about a build of an image, an initrd or a root tree. */
export interface BuildRecipeOptions {
  readonly kind: Exclude<BuildKind, 'kernel'>;
  readonly recipe: string;
  readonly output?: string;
  readonly format?: string;
  readonly fresh?: boolean;
  readonly json?: boolean;
  readonly explain?: boolean;
  /** The agent that was built for an architecture, or undefined. */
  readonly agentFor: (architecture: string) => string | undefined;
}

/** Where a build speaks: results to `out`, progress to `err`. */
export interface BuildStreams {
  readonly out: ProgressTarget;
  readonly err: ProgressTarget;
}

/** Builds a recipe, or explains how it would be. Throws BuildError, or the reason of `signal`. */
export async function buildRecipe(
  options: BuildRecipeOptions,
  streams: BuildStreams,
  signal: AbortSignal,
): Promise<void> {
  const events = options.json === true ? streams.out : undefined;
  await tellingFailure(events, signal, () => buildOrExplain(options, streams, signal));
}

async function buildOrExplain(options: BuildRecipeOptions, streams: BuildStreams, signal: AbortSignal): Promise<void> {
  const { out, err } = streams;
  const isJson = options.json === true;
  const recipe = await findRecipe(options.recipe, hostArchitecture());
  const defaultAgent = options.agentFor(recipe.architecture);
  using view = new ProgressView(err);
  const build: BuildOptions = {
    recipe,
    kind: options.kind,
    cacheFolder: imageCacheFolder(),
    ...(defaultAgent === undefined ? {} : { defaultAgent }),
    ...(options.output === undefined ? {} : { file: options.output }),
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.fresh === undefined ? {} : { isFresh: options.fresh }),
    signal,
    onEvent: isJson ? (event) => void out.write(`${JSON.stringify(event)}\n`) : view.onEvent,
  };
  if (options.explain === true) {
    const steps = await explainGuest(build);
    if (isJson) {
      out.write(`${JSON.stringify({ event: 'plan', recipe: recipe.name, kind: options.kind, steps })}\n`);
      return;
    }
    for (const [index, { title, details, expectedMs }] of steps.entries()) {
      out.write(`${index + 1}. ${title}${expectedMs === 0 ? '' : ` (about ${seconds(expectedMs)})`}\n`);
      for (const line of details) out.write(`     ${line}\n`);
    }
    return;
  }
  const built = await buildGuest(build);
  out.write(isJson ? `${JSON.stringify({ event: 'result', ...built })}\n` : describe(built));
}

function describe(built: BuiltGuest): string {
  const lines = built.files.map(({ path, sizeBytes, sha256 }) =>
    sha256 === '' ? path : `${path}: ${sizeBytes} bytes, sha256 ${sha256}`,
  );
  if (built.kernelParameters.length > 0) lines.push(`kernel parameters: ${built.kernelParameters.join(' ')}`);
  if (built.packages.length > 0) lines.push(`${built.packages.length} packages`);
  return `${lines.join('\n')}\n`;
}

/** What can be built: recipes that come with the program, bases, and formats of each kind. */
export async function listBuildables(isJson: boolean): Promise<string> {
  const recipes = await Promise.all(
    (await shippedRecipes()).map(async ({ name, path }) => {
      const { description = '' } = await findRecipe(path, hostArchitecture());
      return { name, path, description };
    }),
  );
  if (isJson) return `${JSON.stringify({ recipes, bases: BASE_KINDS, formats: FORMATS_OF_KIND })}\n`;
  const width = Math.max(0, ...recipes.map(({ name }) => name.length));
  return [
    'recipes',
    ...recipes.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`),
    'bases',
    `  ${BASE_KINDS.join(' ')}`,
    'formats',
    ...(['image', 'initrd', 'rootfs'] as const).map((kind) => `  ${kind}: ${FORMATS_OF_KIND[kind].join(' ')}`),
    '',
  ].join('\n');
}

/** The kind of build that a word means, or undefined. */
export function parseKind(word: string): BuildKind | undefined {
  switch (word) {
    case 'image':
    case 'initrd':
    case 'rootfs':
    case 'kernel':
      return word;
    default:
      return undefined;
  }
}

/** Unused kinds are a mistake of the program. */
export function guestKind(kind: BuildKind): Exclude<BuildKind, 'kernel'> | undefined {
  switch (kind) {
    case 'image':
    case 'initrd':
    case 'rootfs':
      return kind;
    case 'kernel':
      return undefined;
    default:
      return assertNever(kind);
  }
}
