import { readdir } from 'node:fs/promises';
import { BuildError } from '../build-error.ts';
import type { FormatRequest, WrittenImage } from '../format/format.ts';
import { writeFormat } from '../format/write-format.ts';
import { materialize } from '../output/materialize.ts';
import { replacing } from '../output/write-output.ts';
import type { FileTree } from '../tree/file-tree.ts';
import type { OutputPlan } from './output-plan.ts';

type Common = Pick<FormatRequest, 'sourceDateEpoch' | 'architecture' | 'signal' | 'report'>;

/** Writes the guest in the format that was planned. Throws BuildError. */
export async function writeGuest(output: OutputPlan, tree: FileTree, common: Common): Promise<WrittenImage> {
  if (output.format === 'dir') return await writeFolder(output, tree, common);
  return await writeFormat(output.format, { ...common, ...output.options, tree, output: output.file });
}

/** A folder of the host, for tools that start from one. An empty folder is replaced, one that holds something is refused. */
async function writeFolder(
  { file, options }: OutputPlan,
  tree: FileTree,
  { sourceDateEpoch, signal }: Common,
): Promise<WrittenImage> {
  const [stray] = Object.keys(options);
  if (stray !== undefined) throw new BuildError(`format dir: it has no option "${stray}"`);
  const listed = await readdir(file).catch(() => []);
  if (listed.length > 0) throw new BuildError(`write ${file}: the folder is there already and not empty`);
  let notes: string[] = [];
  await replacing(file, signal, async (temporary) => {
    notes = await materialize(tree, temporary, sourceDateEpoch, signal);
  });
  return { files: [{ path: file, sizeBytes: 0, sha256: '' }], kernelParameters: [], notes, tools: [] };
}
