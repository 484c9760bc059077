import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { BuildError } from '../build-error.ts';
import { chooseDiskBytes, erofsDiskBytes } from '../disk/choose-size.ts';
import { DAX_DATA_OFFSET } from '../disk/dax-block.ts';
import { diskTables, layoutDisk, MIB } from '../disk/layout.ts';
import type { DiskLayout } from '../disk/layout.ts';
import { SparseFile } from '../output/sparse-file.ts';
import { staged } from '../output/staging.ts';
import type { Staging } from '../output/staging.ts';
import { diskUsageBytes } from '../tree/disk-usage.ts';
import { derivedBytes } from '../tree/survey.ts';
import { HashTreeBuilder } from '../verity/hash-tree.ts';
import { dmModCreate } from '../verity/parameters.ts';
import { parametersOf, saltOf, writeRootHash } from '../verity/write-verity.ts';
import { startJob } from './file-system-format.ts';
import { progressOf } from './file-system.ts';
import type { FileSystemJob } from './file-system.ts';
import { FILE_SYSTEMS } from './file-systems.ts';
import type { FormatRequest, RootType, VerityParameters, WrittenImage } from './format.ts';
import { allowOptions } from './refuse-options.ts';
import { compressesFiles } from './image-compression.ts';
import { rootParameters } from './root-parameters.ts';

/** Multiple of the sizes of disks that are attached as NVDIMM: a section of hot-added memory. */
const NVDIMM_ALIGNMENT_BYTES = 128 * MIB;
/** The guest's pmem driver refuses a namespace that does not end at a multiple of the DAX block's alignment. */
const DAX_ALIGNMENT_BYTES = DAX_DATA_OFFSET;

/** A partitioned disk with Kata's layout. */
export async function writeDiskFormat(request: FormatRequest): Promise<WrittenImage> {
  allowOptions('disk', request, [
    'sizeBytes',
    'freeBytes',
    'alignmentBytes',
    'dax',
    'rootType',
    'verity',
    'compression',
  ]);
  const { rootType = 'ext4' } = request;
  const { dax = !compressesFiles(rootType, request.compression, request.dax) } = request;
  return await writeDisk(request, rootType, dax);
}

/** Writes the disk; what its kernel parameters are depends on the caller's use of it. */
export async function writeDisk(request: FormatRequest, type: RootType, dax: boolean): Promise<WrittenImage> {
  const { output, signal, report } = request;
  checkAlignment(request.alignmentBytes);
  const fileSystem = FILE_SYSTEMS[type];
  let verity: VerityParameters | undefined;
  const notes: string[] = [];
  const files = await staged(output, signal, async (staging) => {
    const progress = progressOf(report, `${type}: writing files`, [0.1, 0.7]);
    const started = await startJob(request, type, staging, progress);
    const job = { ...started, isTailFree: !started.isCompressed, path: staging.path('root') };
    const layout = await prepareRoot(request, type, dax, job);
    if (dax && layout.totalBytes % DAX_ALIGNMENT_BYTES !== 0)
      notes.push(
        `disk: ${layout.totalBytes / MIB} MiB are no multiple of 2 MiB, so it cannot be attached as an NVDIMM`,
      );
    verity = await assemble(request, dax, layout, staging, job);
    staging.keep('image', output);
    if (verity !== undefined && request.verity !== undefined)
      await writeRootHash(staging, request.verity, verity, output);
    await rm(staging.path('root'));
  });
  report?.({ step: 'disk: done', fraction: 1 });
  return {
    files,
    kernelParameters:
      verity === undefined
        ? rootParameters('/dev/vda1', type)
        : [dmModCreate(verity, '/dev/vda1', '/dev/vda2', 0), ...rootParameters('/dev/dm-0', type)],
    ...(verity === undefined ? {} : { verity }),
    notes,
    tools: await fileSystem.tools(),
  };
}

/** Writes the root file system and says where it goes. */
async function prepareRoot(
  request: FormatRequest,
  type: RootType,
  dax: boolean,
  job: FileSystemJob,
): Promise<DiskLayout & { totalBytes: number }> {
  const { sizeBytes: wanted, freeBytes = 0, verity } = request;
  const fileSystem = FILE_SYSTEMS[type];
  const shape = { dax, verity: verity !== undefined };
  const { freeOf, keepsHoles } = fileSystem;
  if (freeOf === undefined) {
    await fileSystem.write(job);
    const { size } = await stat(job.path);
    const { alignmentBytes = dax ? DAX_ALIGNMENT_BYTES : MIB } = request;
    const totalBytes = wanted ?? erofsDiskBytes(size, { ...shape, freeBytes, alignmentBytes });
    const layout = layoutDisk({ ...shape, totalBytes });
    if (size > layout.root.lengthBytes)
      throw new BuildError(
        `disk: the ${type} of ${size} bytes does not fit a disk of ${totalBytes} bytes, whose root has ${layout.root.lengthBytes}`,
      );
    return { ...layout, totalBytes };
  }
  const { alignmentBytes = NVDIMM_ALIGNMENT_BYTES } = request;
  const treeBytes = diskUsageBytes(request.tree, keepsHoles ? job.survey.sparse : undefined);
  const totalBytes =
    wanted ??
    (await chooseDiskBytes({ ...shape, treeBytes, freeBytes, alignmentBytes, freeOf: (size) => freeOf(job, size) }));
  const layout = layoutDisk({ ...shape, totalBytes });
  if (layout.root.lengthBytes < treeBytes)
    throw new BuildError(
      `disk: the tree of ${treeBytes} bytes does not fit a disk of ${totalBytes} bytes, whose root has ${layout.root.lengthBytes}`,
    );
  await fileSystem.write({ ...job, sizeBytes: layout.root.lengthBytes });
  return { ...layout, totalBytes };
}

/** Puts tables, root and hashes into the image. */
async function assemble(
  request: FormatRequest,
  dax: boolean,
  layout: DiskLayout & { totalBytes: number },
  staging: Staging,
  { survey: { digest }, path: rootPath }: FileSystemJob,
): Promise<VerityParameters | undefined> {
  const { signal, report, verity } = request;
  const progress = progressOf(report, 'disk: putting it together', [0.7, 0.95]);
  const identifier = Buffer.from(derivedBytes(digest, 'disk', 4)).readUInt32LE();
  const salt = verity === undefined ? undefined : saltOf(verity, digest);
  const builder = salt === undefined ? undefined : new HashTreeBuilder(salt);
  const disk = await SparseFile.open(staging.path('image'), layout.totalBytes);
  try {
    for (const [offset, bytes] of diskTables(layout, dax, identifier)) await disk.write(bytes, offset);
    const { root, hashes } = layout;
    let done = 0;
    for await (const piece of createReadStream(rootPath, { highWaterMark: MIB }) as AsyncIterable<Uint8Array>) {
      signal?.throwIfAborted();
      await disk.write(piece, root.offset + done);
      builder?.push(piece);
      done += piece.length;
      progress(done / root.lengthBytes);
    }
    if (builder === undefined || salt === undefined || hashes === undefined) return undefined;
    for (; done < root.lengthBytes; done += MIB) builder.push(new Uint8Array(Math.min(MIB, root.lengthBytes - done)));
    const tree = builder.finish();
    if (tree.bytes.length > hashes.lengthBytes)
      throw new BuildError(`disk: hashes of ${tree.bytes.length} bytes do not fit ${hashes.lengthBytes}`);
    await disk.write(tree.bytes, hashes.offset);
    return parametersOf(tree, salt);
  } finally {
    await disk.close();
  }
}

function checkAlignment(alignmentBytes: number | undefined): void {
  if (alignmentBytes === undefined) return;
  const exponent = Math.log2(alignmentBytes);
  if (alignmentBytes < MIB || !Number.isInteger(exponent))
    throw new BuildError(`disk: an alignment of ${alignmentBytes} bytes; it must be a power of two of at least 1 MiB`);
}
