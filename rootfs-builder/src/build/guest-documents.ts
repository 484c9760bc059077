import type { Base } from '../bases/base.ts';
import { BuildError } from '../build-error.ts';
import type { WrittenImage } from '../format/format.ts';
import type { Written } from '../output/write-output.ts';
import { hashFile } from '../bases/simple-bases.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { packageComponents } from '../sbom/component.ts';
import type { Component } from '../sbom/component.ts';
import { ownComponents } from '../sbom/own-components.ts';
import { writeDocuments } from '../sbom/write-documents.ts';

/** Version of the builder, as guests and bills of materials name it. */
export const BUILDER_VERSION = '0.1.0';

/** Writes the bills of materials and the provenance of an image beside it. */
export async function writeGuestDocuments(
  image: WrittenImage,
  output: string,
  base: Base,
  agent: string | undefined,
  sourceDateEpoch: number,
  recipe: Recipe,
): Promise<Written[]> {
  const inputs = base.inputs.map(({ name, sha256 }) => ({ uri: portable(name), sha256 }));
  if (agent !== undefined) inputs.push({ uri: 'kihon-agent', sha256: await hashFile(agent) });
  return await writeDocuments({
    image,
    output,
    architecture: recipe.architecture,
    sourceDateEpoch,
    components: [...packageComponents(base.packages), ...(await ownParts(agent))],
    recipe: portableRecipe(recipe),
    inputs,
    builderVersion: BUILDER_VERSION,
  });
}

/** The agent's parts are known where its source is; an installed command has packages only. */
async function ownParts(agent: string | undefined): Promise<Component[]> {
  try {
    return await ownComponents(agent === undefined ? {} : { agent });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return agent === undefined
      ? []
      : [{ kind: 'application', name: 'kihon-agent', version: BUILDER_VERSION, license: 'Apache-2.0' }];
  }
}

/** A name without folders of this host. */
function portable(name: string): string {
  return name.startsWith('/') ? (name.split('/').at(-1) ?? name) : name;
}

/** The recipe with its host paths shortened: two hosts that build the same write the same. */
function portableRecipe(recipe: Recipe): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(recipe, (key, value: unknown) => {
    if (key === 'output') return undefined;
    if (typeof value !== 'string' || !value.startsWith('/')) return value;
    return portable(value);
  });
  return JSON.parse(text) as Record<string, unknown>;
}
