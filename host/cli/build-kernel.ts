import { assertNever } from '../../agent/src/base/assert-never.ts';
import { BuildFailure, buildKernel, DEFAULT_SERIES, FragmentError } from '../../kernel-config/src/index.ts';
import type { KernelEvent } from '../../kernel-config/src/index.ts';
import { BuildError } from '../../rootfs-builder/src/build-error.ts';
import { estimate } from '../../rootfs-builder/src/build/progress-view.ts';
import type { Recipe } from '../../rootfs-builder/src/recipe/recipe.ts';

/** What the command line says about a kernel's build. */
export interface KernelFlags {
  readonly output?: string;
  readonly fresh?: boolean;
  readonly explain?: boolean;
  readonly json?: boolean;
}

/** Builds the kernel of a recipe's `[kernel]`. Throws BuildError. */
export async function buildKernelRecipe(recipe: Recipe, flags: KernelFlags, signal: AbortSignal): Promise<void> {
  const { config = 'lean', series, fragments, patches, source, jobs, folder } = recipe.kernel;
  const output = flags.output ?? folder;
  if (flags.explain === true) {
    const steps = [
      `unpack and patch the source (series ${series ?? DEFAULT_SERIES}), unless it is there`,
      `configure ${config} for ${recipe.architecture}${fragments === undefined ? '' : ` with ${fragments.join(' ')}`}`,
      'compile, unless the same was built before (4 to 12 minutes on 2 cores)',
      `put the kernel into ${output ?? `build/${recipe.architecture}`}`,
    ];
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ event: 'plan', recipe: recipe.name, kind: 'kernel', steps })}\n`
        : steps.map((step, index) => `${index + 1}. ${step}\n`).join(''),
    );
    return;
  }
  try {
    const built = await buildKernel({
      config,
      architecture: recipe.architecture,
      ...(series === undefined ? {} : { series }),
      ...(fragments === undefined ? {} : { extraFragments: fragments }),
      ...(patches === undefined ? {} : { patches }),
      ...(source === undefined ? {} : { tarball: source }),
      ...(jobs === undefined ? {} : { jobs }),
      ...(output === undefined ? {} : { output }),
      ...(flags.fresh === undefined ? {} : { isFresh: flags.fresh }),
      signal,
      report: flags.json === true ? (event) => void process.stdout.write(`${JSON.stringify(event)}\n`) : tell,
    });
    if (flags.json === true) process.stdout.write(`${JSON.stringify({ event: 'result', ...built })}\n`);
    else process.stdout.write(built.files.map((file) => `${file}\n`).join(''));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BuildFailure || error instanceof FragmentError) throw new BuildError(error.message, error);
    throw error;
  }
}

/** One line for each stage, and on a terminal one that is rewritten while make runs. */
function tell(event: KernelEvent): void {
  const { stderr } = process;
  const line = (text: string): void => void stderr.write(stderr.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
  switch (event.event) {
    case 'unpacking':
      line(`unpacking ${event.source}`);
      return;
    case 'patching':
      line(`patch ${event.patch}`);
      return;
    case 'configured':
      line(
        `${event.configuration} ${event.kernelVersion} for ${event.architecture}: ${event.requested} symbols requested`,
      );
      return;
    case 'building':
      line(`compiling with ${event.jobs} jobs`);
      return;
    case 'progress':
      if (!stderr.isTTY) return;
      stderr.write(
        `\r\x1b[Kcompiling  ${estimate(event.elapsedMs, event.steps / Math.max(1, event.expectedSteps), 0)}`,
      );
      return;
    case 'precompiled':
      return;
    case 'not-precompiled':
      line(`without precompiled headers: ${event.reason}`);
      return;
    case 'finished':
      line(event.isFromCache ? 'kept from an earlier build' : 'done');
      return;
    default:
      assertNever(event);
  }
}
