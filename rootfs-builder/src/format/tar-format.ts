import { compress } from '../compress/compress.ts';
import { compressorVersions } from '../compress/compressor-versions.ts';
import { writeOutput } from '../output/write-output.ts';
import { writeTar } from '../tar/write-tar.ts';
import type { FormatRequest, WrittenImage } from './format.ts';
import { archiveCompression } from './image-compression.ts';
import { reporting, treeBytes } from './progress.ts';
import { allowOptions } from './refuse-options.ts';

/** One tar archive, uncompressed unless asked for. */
export async function writeTarFormat(request: FormatRequest): Promise<WrittenImage> {
  allowOptions('tar', request, ['compression']);
  const { tree, output, sourceDateEpoch, signal } = request;
  const compression = archiveCompression('tar', request.compression, 'none');
  const archive = reporting(writeTar(tree, sourceDateEpoch), treeBytes(tree), 'tar: packing', request.report);
  const written = await writeOutput(output, compress(compression, archive, signal), signal);
  return { files: [written], kernelParameters: [], notes: [], tools: await compressorVersions(compression) };
}
