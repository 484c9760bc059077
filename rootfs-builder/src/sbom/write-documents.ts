import { basename, dirname, relative } from 'node:path';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { WrittenImage } from '../format/format.ts';
import { writeOutput } from '../output/write-output.ts';
import type { Written } from '../output/write-output.ts';
import { provenanceStatement } from '../provenance/statement.ts';
import type { BuildInput } from '../provenance/statement.ts';
import type { Component, ImageSubject } from './component.ts';
import { cyclonedxDocument } from './cyclonedx.ts';
import { spdxDocument } from './spdx.ts';

/** What is told about an image. */
export interface DocumentsRequest {
  readonly image: WrittenImage;
  /** The image's final name, which the documents' names begin with. */
  readonly output: string;
  readonly architecture: string;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
  readonly components: readonly Component[];
  /** The recipe as parsed. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly inputs: readonly BuildInput[];
  readonly builderVersion: string;
  readonly signal?: AbortSignal;
}

/** Writes `<output>.spdx.json`, `<output>.cdx.json` and `<output>.provenance.json` and gives what was written. */
export async function writeDocuments(request: DocumentsRequest): Promise<Written[]> {
  const { image, output, architecture, sourceDateEpoch, components, builderVersion, signal } = request;
  const main = image.files.find(({ path }) => path === output || path === `${output}/index.json`);
  if (main === undefined) throw new BuildError(`write ${output}: the image is not among its files`);
  const name = basename(output);
  const subject: ImageSubject = {
    name,
    sha256: main.sha256,
    architecture,
    sourceDateEpoch,
    components,
    builderVersion,
  };
  const documents: [string, object][] = [
    ['spdx', spdxDocument(subject)],
    ['cdx', cyclonedxDocument(subject)],
    [
      'provenance',
      provenanceStatement({
        subjects: image.files.map(({ path, sha256 }) => ({ name: relative(dirname(output), path), sha256 })),
        recipe: request.recipe,
        inputs: request.inputs,
        tools: image.tools,
        builderVersion,
        sourceDateEpoch,
      }),
    ],
  ];
  const written: Written[] = [];
  for (const [kind, value] of documents)
    written.push(await writeOutput(`${output}.${kind}.json`, textOf(value), signal));
  return written;
}

async function* textOf(value: object): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(encodeBytes(`${JSON.stringify(value, null, 2)}\n`));
}
