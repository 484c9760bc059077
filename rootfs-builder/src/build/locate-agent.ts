import { statSync } from 'node:fs';
import { BuildError, reasonOf } from '../build-error.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** The agent's file: the recipe's, else the default; undefined when the recipe wants none. Throws BuildError. */
export function locateAgent({ agent, architecture }: Recipe, defaultAgent: string | undefined): string | undefined {
  if (agent.binary === '') return undefined;
  const path = agent.binary ?? defaultAgent;
  if (path === undefined)
    throw new BuildError(
      `agent.binary: not given, and none was built for ${architecture}: \`make agent ARCH=${architecture}\``,
    );
  try {
    if (!statSync(path).isFile()) throw new BuildError(`agent.binary: ${path} is not a file`);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    const hint = agent.binary === undefined ? '; `make agent` builds it' : '';
    throw new BuildError(`agent.binary: read ${path}: ${reasonOf(error)}${hint}`, error);
  }
  return path;
}
