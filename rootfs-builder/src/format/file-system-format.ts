import { BuildError } from '../build-error.ts';
import { chooseDiskBytes } from '../disk/choose-size.ts';
import { MIB, roundUp } from '../disk/layout.ts';
import { staged } from '../output/staging.ts';
import type { Staging } from '../output/staging.ts';
import { diskUsageBytes } from '../tree/disk-usage.ts';
import { surveyTree } from '../tree/survey.ts';
import { dmModCreate } from '../verity/parameters.ts';
import { writeVerityFile } from '../verity/write-verity.ts';
import { progressOf } from './file-system.ts';
import type { FileSystemJob } from './file-system.ts';
import { FILE_SYSTEMS } from './file-systems.ts';
import type { FormatRequest, RootType, VerityParameters, WrittenImage } from './format.ts';
import { compressesFiles } from './image-compression.ts';
import { rootParameters } from './root-parameters.ts';
import { allowOptions } from './refuse-options.ts';

/** A bare file system; its hash tree, when asked for, goes into a file beside it, with a superblock for veritysetup. */
export async function writeFileSystemFormat(type: RootType, request: FormatRequest): Promise<WrittenImage> {
  const own = type === 'erofs' ? (['dax', 'compression'] as const) : [];
  allowOptions(type, request, ['sizeBytes', 'freeBytes', 'alignmentBytes', 'verity', ...own]);
  const { output, verity: wanted, signal, report } = request;
  const fileSystem = FILE_SYSTEMS[type];
  let verity: VerityParameters | undefined;
  const files = await staged(output, signal, async (staging) => {
    const job = await startJob(request, type, staging, progressOf(report, `${type}: writing files`, [0.1, 0.8]));
    const sizeBytes = request.sizeBytes ?? (await chosenSize(type, request, job));
    await fileSystem.write({ ...job, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
    staging.keep('image', output);
    if (wanted === undefined) return;
    verity = await writeVerityFile(staging, wanted, job.survey.digest, output, signal);
  });
  report?.({ step: `${type}: done`, fraction: 1 });
  return {
    files,
    kernelParameters:
      verity === undefined
        ? rootParameters('/dev/vda', type)
        : [dmModCreate(verity, '/dev/vda', '/dev/vdb', 1), ...rootParameters('/dev/dm-0', type)],
    ...(verity === undefined ? {} : { verity }),
    notes: [],
    tools: await fileSystem.tools(),
  };
}

/** Reads the tree once and says what the writers of file systems need to know of it. */
export async function startJob(
  request: FormatRequest,
  type: RootType,
  staging: Staging,
  progress: (fraction: number) => void,
): Promise<FileSystemJob> {
  const { tree, sourceDateEpoch: time, signal, report } = request;
  const isCompressed = compressesFiles(type, request.compression, request.dax);
  report?.({ step: 'reading the tree', fraction: 0 });
  const survey = await surveyTree(tree, time, signal);
  return {
    tree,
    survey,
    time,
    path: staging.path('image'),
    scratch: (name) => staging.path(name),
    isTailFree: request.dax ?? !isCompressed,
    isCompressed,
    ...(signal === undefined ? {} : { signal }),
    progress,
  };
}

/** The size of a bare file system: as of a disk, without the tables. */
async function chosenSize(type: RootType, request: FormatRequest, job: FileSystemJob): Promise<number | undefined> {
  const { freeBytes = 0, alignmentBytes = MIB } = request;
  const { freeOf, keepsHoles } = FILE_SYSTEMS[type];
  if (freeOf === undefined) {
    if (freeBytes > 0) throw new BuildError(`${type}: it is read-only and has no free space; leave out "freeBytes"`);
    return undefined;
  }
  return await chooseDiskBytes({
    treeBytes: diskUsageBytes(request.tree, keepsHoles ? job.survey.sparse : undefined),
    dax: false,
    verity: false,
    freeBytes,
    alignmentBytes: roundUp(alignmentBytes, MIB),
    freeOf: (sizeBytes) => freeOf(job, sizeBytes),
  });
}
