import { BuildError } from '../../rootfs-builder/src/build-error.ts';
import type { Recipe } from '../../rootfs-builder/src/recipe/recipe.ts';

/** What the command line says about a kernel's build. */
export interface KernelFlags {
  readonly output?: string;
  readonly fresh?: boolean;
  readonly explain?: boolean;
  readonly json?: boolean;
}

/** Builds the kernel of a recipe's `[kernel]`. Throws BuildError. */
export async function buildKernelRecipe(recipe: Recipe, _flags: KernelFlags, _signal: AbortSignal): Promise<void> {
  const { config = 'lean' } = recipe.kernel;
  throw new BuildError(`build kernel: not here yet; \`make kernel CONFIG=${config}\` builds it`);
}
