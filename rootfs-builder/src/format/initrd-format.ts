import { compress } from '../compress/compress.ts';
import { compressorVersions } from '../compress/compressor-versions.ts';
import { writeTree } from '../cpio/write-tree.ts';
import { writeOutput } from '../output/write-output.ts';
import type { FileTree } from '../tree/file-tree.ts';
import type { FormatRequest, WrittenImage } from './format.ts';
import { archiveCompression } from './image-compression.ts';
import { reporting, treeBytes } from './progress.ts';
import { allowOptions } from './refuse-options.ts';

/** An initrd: newc has no room for extended attributes, which are left behind with a note. */
export async function writeInitrdFormat(request: FormatRequest): Promise<WrittenImage> {
  allowOptions('initrd', request, ['compression']);
  const { tree, output, sourceDateEpoch, signal } = request;
  const compression = archiveCompression('initrd', request.compression, 'gzip');
  const archive = reporting(writeTree(tree, sourceDateEpoch), treeBytes(tree), 'initrd: packing', request.report);
  const written = await writeOutput(output, compress(compression, archive, signal), signal);
  return {
    files: [written],
    kernelParameters: [],
    notes: xattrNotes(tree),
    tools: await compressorVersions(compression),
  };
}

function xattrNotes(tree: FileTree): string[] {
  const holders = tree.entries().filter(({ xattrs }) => xattrs !== undefined);
  const [first] = holders;
  if (first === undefined) return [];
  const names = [...(first.xattrs?.keys() ?? [])].join(', ');
  return [
    `initrd: cpio holds no extended attributes; ${holders.length} left without, such as ${first.path} (${names})`,
  ];
}
