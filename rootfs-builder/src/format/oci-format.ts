import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BuildError, reasonOf } from '../build-error.ts';
import { compress } from '../compress/compress.ts';
import { compressorVersions } from '../compress/compressor-versions.ts';
import { imageDocuments } from '../oci/image.ts';
import type { Layer } from '../oci/image.ts';
import { staged } from '../output/staging.ts';
import type { Staging } from '../output/staging.ts';
import { writeTar } from '../tar/write-tar.ts';
import { FileTree } from '../tree/file-tree.ts';
import type { FormatRequest, WrittenImage } from './format.ts';
import { archiveCompression } from './image-compression.ts';
import { reporting, treeBytes } from './progress.ts';
import { allowOptions } from './refuse-options.ts';

/** An image as a directory with the OCI layout. It takes the place of an older layout, but of nothing else. */
export async function writeOciFormat(request: FormatRequest): Promise<WrittenImage> {
  allowOptions('oci', request, ['compression', 'oci']);
  await refuseOther(request.output);
  return await written(request, async (staging) => {
    await writeLayout(request, staging);
    staging.keep('layout', request.output);
  });
}

/** The same as one tar file, as `podman load` and `skopeo copy oci-archive:` take it. */
export async function writeOciArchiveFormat(request: FormatRequest): Promise<WrittenImage> {
  allowOptions('oci-archive', request, ['compression', 'oci']);
  const { signal } = request;
  return await written(request, async (staging) => {
    const documents = await writeLayout(request, staging);
    const tree = new FileTree();
    for (const path of documents) {
      const hostPath = join(staging.path('layout'), path);
      tree.hostFile(path, hostPath, (await stat(hostPath)).size);
    }
    const archive = createWriteStream(staging.path('archive'), { flags: 'wx' });
    const source = Readable.from(writeTar(tree, request.sourceDateEpoch));
    await pipeline(source, archive, signal === undefined ? {} : { signal });
    staging.keep('archive', request.output);
  });
}

async function written(request: FormatRequest, work: (staging: Staging) => Promise<void>): Promise<WrittenImage> {
  const files = await staged(request.output, request.signal, work);
  return {
    files,
    kernelParameters: [],
    notes: [],
    tools: await compressorVersions(archiveCompression('oci', request.compression, 'gzip')),
  };
}

/** Writes the layout into the staging folder and gives the paths of its files, sorted. */
async function writeLayout(request: FormatRequest, staging: Staging): Promise<string[]> {
  const { architecture, sourceDateEpoch, oci = {} } = request;
  refuseWhiteouts(request.tree);
  const blobs = join(staging.path('layout'), 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const layer = await writeLayer(request, join(blobs, 'layer'));
  await rename(join(blobs, 'layer'), join(blobs, layer.sha256));
  const { config, manifest, index, layout } = imageDocuments(layer, architecture, sourceDateEpoch, oci);
  for (const { sha256, bytes } of [config, manifest]) await writeFile(join(blobs, sha256), bytes);
  await writeFile(join(staging.path('layout'), 'index.json'), index);
  await writeFile(join(staging.path('layout'), 'oci-layout'), layout);
  return ['index.json', 'oci-layout', ...(await readdir(blobs)).sort().map((name) => `blobs/sha256/${name}`)];
}

async function writeLayer(request: FormatRequest, path: string): Promise<Layer> {
  const { tree, sourceDateEpoch, signal, report } = request;
  const compression = archiveCompression('oci', request.compression, 'gzip');
  const diff = createHash('sha256');
  const stored = createHash('sha256');
  let sizeBytes = 0;
  const archive = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of reporting(writeTar(tree, sourceDateEpoch), treeBytes(tree), 'oci: packing', report)) {
      diff.update(piece);
      yield piece;
    }
  };
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of compress(compression, archive(), signal)) {
      signal?.throwIfAborted();
      stored.update(piece);
      sizeBytes += piece.length;
      yield piece;
    }
  };
  await pipeline(Readable.from(counted()), createWriteStream(path, { flags: 'wx' }));
  return { sizeBytes, sha256: stored.digest('hex'), diffSha256: diff.digest('hex'), compression };
}

/** In a layer such a name means that another one is deleted. */
function refuseWhiteouts(tree: FileTree): void {
  const found = tree.entries().find(({ path }) => /(?:^|\/)\.wh\.[^/]*$/.test(path));
  if (found !== undefined) throw new BuildError(`oci: ${found.path}: names with .wh. mean a deletion in a layer`);
}

async function refuseOther(output: string): Promise<void> {
  const names = await readdir(output).catch((error: unknown) => {
    if (reasonOf(error) === 'ENOENT') return undefined;
    throw new BuildError(`write ${output}: ${reasonOf(error)}`, error);
  });
  if (names !== undefined && names.length > 0 && !names.includes('oci-layout'))
    throw new BuildError(`write ${output}: a directory is there that is no OCI layout`);
}
