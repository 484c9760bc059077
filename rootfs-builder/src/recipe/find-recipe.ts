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

/** Folders that may hold our recipes: that of the source, that of a build's program, that of an installation. */
function recipeFolders(): string[] {
  const home = dirname(fileURLToPath(import.meta.url));
  return [
    join(home, '..', '..', 'recipes'),
    join(home, '..', 'rootfs-builder', 'recipes'),
    join(home, '..', 'share', 'kihon', 'recipes'),
  ];
}

/** The recipes that come with the program, by name. */
export async function shippedRecipes(): Promise<ShippedRecipe[]> {
  const folder = recipeFolders().find((each) => existsSync(each));
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
