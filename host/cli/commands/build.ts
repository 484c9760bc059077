import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { BuildError } from '../../../rootfs-builder/src/build-error.ts';
import { hostArchitecture } from '../../../rootfs-builder/src/build/host-architecture.ts';
import { buildRecipe, listBuildables } from '../../../rootfs-builder/src/cli/build-recipe.ts';
import { tellingFailure } from '../../../rootfs-builder/src/cli/telling-failure.ts';
import { findRecipe } from '../../../rootfs-builder/src/recipe/find-recipe.ts';
import type { BuildKind } from '../../../rootfs-builder/src/recipe/recipe.ts';
import { BUILD_KINDS } from '../../../rootfs-builder/src/recipe/recipe.ts';
import { assetFolders, defaultPlaces } from '../../vm/assets.ts';
import { wantsJson } from '../command-context.ts';
import { InterruptedError, Interruption } from '../interruption.ts';
import { say } from '../say.ts';

interface BuildFlags {
  readonly output?: string;
  readonly format?: string;
  readonly fresh?: boolean;
  readonly explain?: boolean;
  readonly list?: boolean;
}

/** The agent that was built or installed for an architecture. */
function agentFor(architecture: string): string | undefined {
  const folders = assetFolders({ ...defaultPlaces(), architecture });
  return folders.map((folder) => join(folder, 'kihon-agent')).find((path) => existsSync(path));
}

/** `kihon build`: a guest image, initrd, root tree or kernel from a recipe. */
export function addBuildCommand(program: Command): void {
  program
    .command('build')
    .summary('build a guest image, initrd, root tree or kernel from a recipe')
    .description(
      'Builds what RECIPE describes: a TOML file, or one of those that `kihon build --list` names. What was made of the same\n' +
        'inputs before is used again. The result appears under its name when it is whole.',
    )
    .addArgument(new Argument('[kind]', 'what to build').choices(BUILD_KINDS))
    .argument('[recipe]', 'file or name of the recipe')
    .option('-o, --output <file>', 'final name (a folder for kernels)')
    .option('--format <format>', "format instead of the recipe's")
    .option('--fresh', 'make everything anew')
    .option('--explain', 'tell the steps and stop')
    .option('--list', 'list recipes, bases and formats')
    .option('--json', 'print events and the result as JSON, one document on a line')
    .action(async (kind: BuildKind | undefined, recipe: string | undefined, flags: BuildFlags, command: Command) => {
      const isJson = wantsJson(command);
      if (flags.list === true) {
        process.stdout.write(await listBuildables(isJson));
        return;
      }
      if (kind === undefined || recipe === undefined)
        throw new BuildError(`build: give ${BUILD_KINDS.join(', ')}, and a RECIPE; \`kihon build --list\` names ours`);
      using interruption = new Interruption();
      const { signal } = interruption;
      try {
        if (kind === 'kernel') {
          const { buildKernelRecipe } = await import('../build-kernel.ts');
          await tellingFailure(isJson ? process.stdout : undefined, signal, async () =>
            buildKernelRecipe(await findRecipe(recipe, hostArchitecture()), { ...flags, json: isJson }, signal),
          );
        } else {
          const streams = { out: process.stdout, err: process.stderr };
          await buildRecipe({ ...flags, kind, recipe, json: isJson, agentFor }, streams, signal);
        }
      } catch (error) {
        if (error instanceof InterruptedError) say(`build: interrupted${kind === 'kernel' ? '' : ', nothing written'}`);
        throw error;
      }
    });
}
