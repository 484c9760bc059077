import { resolve } from 'node:path';
import { BuildError } from '../build-error.ts';
import type { FormatRequest } from '../format/format.ts';
import type { BuildKind, OutputFormat, OutputSpec, Recipe } from '../recipe/recipe.ts';

/** Formats that each kind of build can give; the first is the usual one. */
export const FORMATS_OF_KIND: Readonly<
  Record<Exclude<BuildKind, 'kernel'>, readonly [OutputFormat, ...OutputFormat[]]>
> = {
  image: ['disk', 'ext4', 'erofs', 'xfs', 'extension'],
  initrd: ['initrd'],
  rootfs: ['tar', 'oci', 'oci-archive', 'dir'],
};

/** Endings of final names; an image and an initrd have those of Kata's packages. */
const ENDINGS: Readonly<Record<OutputFormat, string>> = {
  disk: '.image',
  ext4: '.ext4',
  erofs: '.erofs',
  xfs: '.xfs',
  extension: '.extension.image',
  initrd: '.initrd',
  tar: '.tar',
  oci: '.oci',
  'oci-archive': '.oci.tar',
  dir: '.rootfs',
};

/** What is to be written and where. */
export interface OutputPlan {
  readonly format: OutputFormat;
  readonly file: string;
  readonly options: Pick<
    FormatRequest,
    'sizeBytes' | 'freeBytes' | 'alignmentBytes' | 'compression' | 'dax' | 'extensionName' | 'rootType' | 'verity'
  >;
}

/** Settings of the command line, which go before those of the recipe. */
export interface OutputOverrides {
  readonly file?: string;
  readonly format?: string;
}

/** Settles format, name and options. Throws BuildError when the recipe's format is of another kind of build. */
export function planOutput(recipe: Recipe, kind: Exclude<BuildKind, 'kernel'>, overrides: OutputOverrides): OutputPlan {
  const formats = FORMATS_OF_KIND[kind];
  const wanted = overrides.format ?? recipe.output.format ?? formats[0];
  const format = formats.find((each) => each === wanted);
  if (format === undefined) {
    const other = Object.entries(FORMATS_OF_KIND).find(([, list]) => (list as readonly string[]).includes(wanted))?.[0];
    const hint = other === undefined ? '' : `; ${wanted} is what "build ${other}" makes`;
    throw new BuildError(`output.format: ${kind} can be ${formats.join(', ')}, not ${wanted}${hint}`);
  }
  const file = resolve(overrides.file ?? recipe.output.file ?? `${recipe.name}${ENDINGS[format]}`);
  // The name in the kernel parameter that asks for an extension.
  const named = format === 'extension' ? { extensionName: recipe.name } : {};
  return { format, file, options: { ...optionsOf(recipe.output, recipe.name), ...named } };
}

function optionsOf(output: OutputSpec, name: string): OutputPlan['options'] {
  const { sizeBytes, freeBytes, alignmentBytes, compression, dax, rootType, verity, salt } = output;
  const isMeasured = verity !== undefined && verity !== false;
  return {
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(freeBytes === undefined ? {} : { freeBytes }),
    ...(alignmentBytes === undefined ? {} : { alignmentBytes }),
    ...(compression === undefined ? {} : { compression }),
    ...(dax === undefined ? {} : { dax }),
    ...(rootType === undefined ? {} : { rootType }),
    ...(isMeasured
      ? { verity: { variant: verity === true ? name : verity, ...(salt === undefined ? {} : { salt }) } }
      : {}),
  };
}
