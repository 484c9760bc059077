import { existsSync } from 'node:fs';
import { mkdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base, BaseInput } from '../bases/base.ts';
import { distributionOf } from '../bases/installed-packages.ts';
import { baseInputs, isStoredBase, makeBase } from '../bases/make-base.ts';
import { describing } from '../build-error.ts';
import { cacheKey } from '../cache/cache-key.ts';
import { acquireCacheLock } from '../cache/cache-lock.ts';
import { discard, OutputCache, pruneCache } from '../cache/output-cache.ts';
import { PackWriter } from '../cache/pack-writer.ts';
import { programDigest } from '../cache/program-digest.ts';
import { loadBase, PACK_NAME, storeBase } from '../cache/stored-tree.ts';
import { makeTemporaryFolder } from '../cache/temporary-folder.ts';
import { treeDigest } from '../cache/tree-digest.ts';
import type { WrittenImage } from '../format/format.ts';
import { applyRecipe } from '../guest/apply-recipe.ts';
import { sourceDateEpoch } from '../initrd/build-initrd.ts';
import type { Package } from '../bases/packages.ts';
import type { BuildKind, Recipe } from '../recipe/recipe.ts';
import { Durations } from './durations.ts';
import type { OnBuildEvent, Step } from './events.ts';
import { locateAgent } from './locate-agent.ts';
import type { OutputOverrides } from './output-plan.ts';
import { planOutput } from './output-plan.ts';
import type { Written } from '../output/write-output.ts';
import { BUILDER_VERSION, writeGuestDocuments } from './guest-documents.ts';
import { durationName, planSteps } from './plan-steps.ts';
import { writeGuest } from './write-guest.ts';

/** Entries of the cache that are kept: those used last. */
const KEPT_BASES = 12;
const KEPT_OUTPUTS = 12;

/** How to build. */
export interface BuildOptions extends OutputOverrides {
  readonly recipe: Recipe;
  readonly kind: Exclude<BuildKind, 'kernel'>;
  readonly cacheFolder: string;
  /** The agent's file when the recipe names none. */
  readonly defaultAgent?: string;
  /** Makes everything anew, also what a mirror on the network may offer by now. */
  readonly isFresh?: boolean;
  /** Environment, for SOURCE_DATE_EPOCH. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly onEvent?: OnBuildEvent;
  readonly signal?: AbortSignal;
}

/** What was built. */
export interface BuiltGuest extends WrittenImage {
  /** Bills of materials and provenance, beside the image. */
  readonly documents: readonly Written[];
  readonly packages: readonly Package[];
  readonly inputs: readonly BaseInput[];
  /** True when nothing had to be written anew. */
  readonly isCached: boolean;
}

/** What `buildGuest` would do, without doing it. Throws BuildError for what it would refuse at once. */
export async function explainGuest(options: BuildOptions): Promise<Step[]> {
  const { recipe, kind } = options;
  const output = planOutput(recipe, kind, options);
  const steps = planSteps(
    recipe,
    output,
    locateAgent(recipe, options.defaultAgent),
    await Durations.read(options.cacheFolder),
  );
  const isKept =
    isStoredBase(recipe.base) &&
    options.isFresh !== true &&
    existsSync(join(options.cacheFolder, 'trees', await baseKey(options)));
  return steps.map((step) =>
    step.id === 'base' && isKept
      ? { ...step, details: [...step.details, 'kept from an earlier build'], expectedMs: 0 }
      : step,
  );
}

/**
 * Builds a guest from a recipe. Throws BuildError with one line, or the reason of `signal`; then nothing is left under the
 * final name, and no temporary file. What was finished on the way stays in the cache, so that the next build goes on there.
 */
export async function buildGuest(options: BuildOptions): Promise<BuiltGuest> {
  const { recipe, kind, cacheFolder, signal, onEvent = () => undefined } = options;
  const output = planOutput(recipe, kind, options);
  const agent = locateAgent(recipe, options.defaultAgent);
  const durations = await Durations.read(cacheFolder);
  const epoch = sourceDateEpoch(options.environment ?? process.env);
  const steps = planSteps(recipe, output, agent, durations);
  onEvent({ event: 'plan', recipe: recipe.name, kind, steps });
  using temporary = makeTemporaryFolder(join(cacheFolder, 'tmp'));

  const timed = async <T>(step: Step['id'], work: () => Promise<{ result: T; cached: boolean }>): Promise<T> => {
    signal?.throwIfAborted();
    onEvent({ event: 'start', step });
    const started = performance.now();
    const { result, cached } = await work();
    const ms = Math.round(performance.now() - started);
    onEvent({ event: 'done', step, cached, ms });
    if (!cached) await durations.note(durationName(step, recipe, output), ms);
    return result;
  };

  const { base, pack } = await timed('base', () => provideBase(options, temporary.path, epoch, onEvent));
  for (const text of base.notes) onEvent({ event: 'note', text });

  using extra = new PackWriter(join(temporary.path, 'extra'));
  const { applied, key } = await timed('guest', async () => {
    const named = await distributionOf(base.tree);
    const result = await applyRecipe(base.tree, recipe, {
      agent,
      isInitrd: output.format === 'initrd',
      mustBoot: kind !== 'rootfs' && output.format !== 'extension',
      pack: extra,
      sourceDateEpoch: epoch,
      builderVersion: BUILDER_VERSION,
      packages: base.packages.map(({ name }) => name),
      distribution: {
        name: recipe.base.kind === 'none' ? named.id || 'none' : named.id || recipe.base.kind,
        version: recipe.base.suite ?? named.version,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    const tree = await treeDigest(base.tree, pack, signal);
    const parts = {
      program: programDigest(),
      tree,
      epoch,
      architecture: recipe.architecture,
      format: output.format,
      options: output.options,
    };
    return { result: { applied: result, key: cacheKey(parts) }, cached: false };
  });
  for (const text of applied.notes) onEvent({ event: 'note', text });

  const outputs = new OutputCache(join(cacheFolder, 'outputs'));
  let isCached = false;
  const written = await timed('output', async () => {
    using _lock = await lockOf(options, `output-${key}`, 'output', onEvent);
    const kept =
      options.isFresh === true || output.format === 'dir' ? undefined : await outputs.restore(key, output.file, signal);
    if (kept !== undefined) {
      isCached = true;
      return { result: kept, cached: true };
    }
    const image = await writeGuest(output, base.tree, {
      sourceDateEpoch: epoch,
      architecture: recipe.architecture,
      ...(signal === undefined ? {} : { signal }),
      report: ({ step, fraction }) => onEvent({ event: 'progress', step: 'output', text: step, fraction }),
    });
    if (output.format !== 'dir') await outputs.store(key, image, output.file, temporary.path, signal);
    return { result: image, cached: false };
  });
  for (const text of written.notes) onEvent({ event: 'note', text });
  // The image has its final name, so an interruption comes too late: what tells about it must not be that of an older one.
  const documents =
    output.format === 'dir' ? [] : await writeGuestDocuments(written, output.file, base, agent, epoch, recipe);
  await pruneCache(join(cacheFolder, 'trees'), KEPT_BASES, temporary.path);
  await pruneCache(join(cacheFolder, 'outputs'), KEPT_OUTPUTS, temporary.path);
  return {
    ...written,
    kernelParameters: [...written.kernelParameters, ...applied.kernelParameters],
    notes: [...base.notes, ...applied.notes, ...written.notes],
    documents,
    packages: base.packages,
    inputs: base.inputs,
    isCached,
  };
}

interface ProvidedBase {
  readonly base: Base;
  /** Where its contents are, if it is a stored one. */
  readonly pack: { readonly path: string; readonly key: string } | undefined;
}

/** The base from the cache, or made now and put there. */
async function provideBase(
  options: BuildOptions,
  temporaryFolder: string,
  epoch: number,
  onEvent: OnBuildEvent,
): Promise<{ result: ProvidedBase; cached: boolean }> {
  const { recipe, cacheFolder, signal } = options;
  const staging = join(temporaryFolder, 'base');
  const scratch = join(temporaryFolder, 'scratch');
  await describing(`create ${staging}`, async () => {
    await mkdir(staging);
    await mkdir(scratch);
  });
  const make = async (): Promise<Base> => {
    using pack = new PackWriter(join(staging, PACK_NAME));
    const base = await makeBase(recipe.base, {
      architecture: recipe.architecture,
      pack,
      temporaryFolder: scratch,
      downloadFolder: join(cacheFolder, 'downloads'),
      sourceDateEpoch: epoch,
      ...(signal === undefined ? {} : { signal }),
      report: (text) => onEvent({ event: 'progress', step: 'base', text }),
    });
    pack.finish();
    return base;
  };
  if (!isStoredBase(recipe.base)) return { result: { base: await make(), pack: undefined }, cached: false };
  const key = await baseKey(options);
  using _lock = await lockOf(options, `base-${key}`, 'base', onEvent);
  const folder = join(cacheFolder, 'trees', key);
  const isKept = options.isFresh !== true && existsSync(folder);
  if (!isKept) {
    await storeBase(await make(), staging);
    signal?.throwIfAborted();
    await describing(`write ${folder}`, async () => {
      await mkdir(join(cacheFolder, 'trees'), { recursive: true });
      await discard(folder, temporaryFolder);
      await rename(staging, folder);
    });
  }
  const now = new Date();
  await utimes(folder, now, now).catch(() => undefined);
  return { result: { base: await loadBase(folder), pack: { path: join(folder, PACK_NAME), key } }, cached: isKept };
}

async function baseKey({ recipe, environment }: BuildOptions): Promise<string> {
  const inputs = await baseInputs(recipe.base, recipe.architecture);
  const epoch = sourceDateEpoch(environment ?? process.env);
  return cacheKey({ program: programDigest(), base: recipe.base, architecture: recipe.architecture, epoch, inputs });
}

async function lockOf(
  { cacheFolder, signal }: BuildOptions,
  name: string,
  step: Step['id'],
  onEvent: OnBuildEvent,
): Promise<Disposable> {
  return await acquireCacheLock(join(cacheFolder, 'locks', name), {
    ...(signal === undefined ? {} : { signal }),
    onWait: (pid) =>
      onEvent({ event: 'progress', step, text: `waiting for the build of process ${pid}, which makes the same` }),
  });
}
