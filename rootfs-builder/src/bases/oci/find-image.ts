import { BuildError } from '../../build-error.ts';
import type { BlobSource } from './blob-source.ts';
import { readDocument } from './blob-source.ts';
import type { Descriptor } from './descriptor.ts';
import { blobName, parseDescriptor, parseDigest, readDescribed } from './descriptor.ts';
import type { Json } from './document.ts';
import { isObject, listOf, own, parseAny, parseDocument, textOf } from './document.ts';
import type { PlatformChoice } from './platform.ts';
import { choosePlatform } from './platform.ts';

/** Indexes may name indexes; real ones do so once. */
const MAX_INDEX_DEPTH = 4;
/** Layers of one image; engines stop at 127. */
const MAX_LAYERS = 1000;

/** One layer: the file, and what is to be checked of it. */
export interface Layer {
  readonly name: string;
  readonly mediaType: string;
  /** Of the file as it is; absent in Docker archives, where the name says nothing sure. */
  readonly digest?: Pick<Descriptor, 'algorithm' | 'hash'>;
  /** Of the file when it is decompressed. */
  readonly diffId?: Pick<Descriptor, 'algorithm' | 'hash'>;
}

/** An image, its layers from the lowest. */
export interface Image {
  readonly layers: readonly Layer[];
  /** Digest of the manifest, or of the configuration in a Docker archive, in hexadecimal. */
  readonly id: string;
}

/** Finds the image of a layout or a Docker archive. Throws BuildError that says what is there when none or several fit. */
export async function findImage(source: BlobSource, choice: PlatformChoice, reference?: string): Promise<Image> {
  // What `docker save` writes since version 25 is both; the layout has the digests.
  if (source.has('index.json')) return findInLayout(source, choice, reference);
  if (source.has('manifest.json')) return findInDockerArchive(source, reference);
  throw new BuildError(
    `${source.shown}: neither an OCI image layout (index.json) nor a Docker archive (manifest.json)`,
  );
}

async function findInLayout(source: BlobSource, choice: PlatformChoice, reference?: string): Promise<Image> {
  const what = `${source.shown}: index.json`;
  let index = parseDocument(await readDocument(source, 'index.json'), what);
  let name = reference;
  for (let depth = 0; depth < MAX_INDEX_DEPTH; depth++) {
    const all = listOf(index, 'manifests', what).map((value) => parseDescriptor(value, what));
    const candidates = name === undefined ? all : all.filter(named(name));
    if (name !== undefined && candidates.length === 0) {
      const names = all.map(
        ({ annotations }) => textOf(annotations, 'org.opencontainers.image.ref.name') ?? '(no name)',
      );
      throw new BuildError(`${source.shown}: no image "${name}"; there is ${names.join(', ')}`);
    }
    name = undefined; // the indexes below are of this image
    const chosen = only(candidates) ?? choosePlatform(candidates, choice, source.shown);
    const document = await readDescribed(source, chosen);
    if (own(document, 'manifests') === undefined) {
      if (only(candidates) !== undefined && chosen.platform !== undefined)
        choosePlatform(candidates, choice, source.shown);
      return imageOf(source, document, chosen);
    }
    index = document;
  }
  throw new BuildError(`${what}: more than ${MAX_INDEX_DEPTH} indexes one in the other`);
}

/** The only element. */
function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}

function named(name: string): (descriptor: Descriptor) => boolean {
  const keys = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'];
  return ({ annotations }) => keys.some((key) => textOf(annotations, key) === name);
}

async function imageOf(source: BlobSource, manifest: Json, descriptor: Descriptor): Promise<Image> {
  const what = `${source.shown}: ${blobName(descriptor)}`;
  const layers = listOf(manifest, 'layers', what).map((value) => parseDescriptor(value, what));
  if (layers.length > MAX_LAYERS) throw new BuildError(`${what}: more than ${MAX_LAYERS} layers`);
  const config = await readDescribed(source, parseDescriptor(own(manifest, 'config'), what));
  const diffIds = diffIdsOf(config, what);
  if (diffIds.length !== 0 && diffIds.length !== layers.length)
    throw new BuildError(`${what}: ${layers.length} layers, but ${diffIds.length} diff_ids in the configuration`);
  return {
    id: descriptor.hash,
    layers: layers.map((layer, index) => {
      const diffId = diffIds[index];
      return {
        name: blobName(layer),
        mediaType: layer.mediaType,
        digest: layer,
        ...(diffId === undefined ? {} : { diffId }),
      };
    }),
  };
}

function diffIdsOf(config: Json, what: string): Pick<Descriptor, 'algorithm' | 'hash'>[] {
  const rootfs = own(config, 'rootfs');
  if (!isObject(rootfs)) return [];
  return listOf(rootfs, 'diff_ids', what).map((value) => parseDigest(String(value), what));
}

/** The archive of `docker save`: manifest.json lists images with their tags, configuration and layer files. */
async function findInDockerArchive(source: BlobSource, reference?: string): Promise<Image> {
  const what = `${source.shown}: manifest.json`;
  const parsed = parseAny(await readDocument(source, 'manifest.json'), what);
  const images = (Array.isArray(parsed) ? parsed : []).filter(isObject);
  const tagsOf = (image: Json): string[] => listOf(image, 'RepoTags', what).map(String);
  const fitting = reference === undefined ? images : images.filter((image) => tagsOf(image).includes(reference));
  const image = only(fitting);
  if (image === undefined) {
    const tags = images.flatMap(tagsOf);
    throw new BuildError(
      `${what}: ${fitting.length === 0 ? 'no such image' : `${fitting.length} images`}; choose one by its reference: ${tags.join(', ')}`,
    );
  }
  const configName = textOf(image, 'Config') ?? '';
  const config = parseDocument(await readDocument(source, configName), `${source.shown}: ${configName}`);
  const diffIds = diffIdsOf(config, what);
  const layers = listOf(image, 'Layers', what).map(String);
  if (layers.length > MAX_LAYERS) throw new BuildError(`${what}: more than ${MAX_LAYERS} layers`);
  if (diffIds.length !== layers.length)
    throw new BuildError(`${what}: ${layers.length} layers, but ${diffIds.length} diff_ids in the configuration`);
  return {
    id: /([0-9a-f]{64})/.exec(configName)?.[1] ?? '',
    layers: layers.map((name, index) => {
      const diffId = diffIds[index];
      return { name, mediaType: '', ...(diffId === undefined ? {} : { diffId }) };
    }),
  };
}
