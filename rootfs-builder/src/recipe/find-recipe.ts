import { existsSync } from 'node:fs';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, describing } from '../build-error.ts';
import { parseRecipe } from './parse-recipe.ts';
import type { Recipe } from './recipe.ts';
import { suggestion } from './suggest.ts';

/** A recipe that comes with the program. */
export interface ShippedRecipe {
  readonly name: string;
  readonly path: string;
}

/** The folder of that name which comes with the program: of the source, of a build, or of an installation. */
function shippedFolder(name: 'recipes' | 'policies'): string | undefined {
  const home = dirname(fileURLToPath(import.meta.url));
  return [
    join(home, '..', '..', name),
    join(home, '..', 'rootfs-builder', name),
    join(home, '..', 'share', 'kihon', name),
  ].find((each) => existsSync(each));
}

/** Path of a policy that comes with the program. Throws BuildError when the program is not whole. */
export function shippedPolicy(name: 'allow-all' | 'confidential'): string {
  const folder = shippedFolder('policies');
  if (folder === undefined)
    throw new BuildError(`policy ${name}: the policies that come with the program are not there`);
  return join(folder, `${name}.rego`);
}

/** The recipes that come with the program, by name. */
export async function shippedRecipes(): Promise<ShippedRecipe[]> {
  const folder = shippedFolder('recipes');
  if (folder === undefined) return [];
  const names = (await readdir(folder)).filter((name) => name.endsWith('.toml')).sort();
  return names.map((name) => ({ name: name.slice(0, -'.toml'.length), path: join(folder, name) }));
}

/**
 * Reads a recipe: a file, or the name of one that comes with the program. Throws BuildError for one that is not there or
 * has something wrong.
 */
export async function findRecipe(nameOrPath: string, hostArchitecture: string): Promise<Recipe> {
  const path = await recipePath(nameOrPath);
  const text = await describing(`read ${path}`, () => readFile(path, 'utf8'));
  return parseRecipe(text, path, hostArchitecture);
}

async function recipePath(nameOrPath: string): Promise<string> {
  if (nameOrPath.includes('/') || nameOrPath.endsWith('.toml') || existsSync(nameOrPath))
    return await describing(`read ${nameOrPath}`, () => realpath(nameOrPath));
  const shipped = await shippedRecipes();
  const found = shipped.find(({ name }) => name === nameOrPath);
  if (found !== undefined) return found.path;
  const names = shipped.map(({ name }) => name);
  throw new BuildError(
    `recipe ${nameOrPath}: neither a file nor one of ours (build --list)${suggestion(nameOrPath, names)}`,
  );
}
