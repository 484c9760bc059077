import { BuildError } from '../build-error.ts';
import { PackWriter } from '../cache/pack-writer.ts';
import { SparseFile } from '../output/sparse-file.ts';
import type { FileSystem, FileSystemJob } from '../format/file-system.ts';
import { derivedUuid } from '../tree/survey.ts';
import { compressFiles } from './compressed.ts';
import { writeErofs } from './write-erofs.ts';

/** EROFS by our own writer: read-only, so it is exactly as long as what it holds. */
export const erofsFileSystem: FileSystem = { write, keepsHoles: true, tools: () => Promise.resolve([]) };

async function write(job: FileSystemJob): Promise<void> {
  const { tree, survey, time, path, sizeBytes, isTailFree, isCompressed, signal, progress } = job;
  const uuid = derivedUuid(survey.digest, 'erofs');
  const { sparse } = survey;
  using blocks = isCompressed ? new PackWriter(job.scratch('blocks')) : undefined;
  const options = { ...(signal === undefined ? {} : { signal }), progress };
  const compressed = blocks === undefined ? undefined : await compressFiles(tree, sparse, blocks, options);
  const packed = compressed === undefined ? {} : { compressed };
  const image = writeErofs(tree, { mtime: time, uuid, isTailFree, sparse, ...packed });
  const file = await SparseFile.open(path, 0);
  try {
    const length = await file.writeStream(image, 0, signal);
    if (sizeBytes !== undefined && length > sizeBytes)
      throw new BuildError(`erofs: the tree takes ${length} bytes; ${sizeBytes} are given`);
    await file.resize(Math.max(length, sizeBytes ?? 0));
    progress(1);
  } finally {
    await file.close();
  }
}
