import { createHash } from 'node:crypto';
import { ArchiveLoader } from '../../archive/archive-loader.ts';
import { BuildError, describing } from '../../build-error.ts';
import { decompress } from '../../compress/decompress.ts';
import { FileTree } from '../../tree/file-tree.ts';
import type { Base, BaseContext } from '../base.ts';
import { installedPackages } from '../installed-packages.ts';
import { openBlobSource } from './blob-source.ts';
import type { BlobSource } from './blob-source.ts';
import { checkingDigest } from './descriptor.ts';
import type { Layer } from './find-image.ts';
import { findImage } from './find-image.ts';
import { platformChoice } from './platform.ts';

/** Which image of an OCI layout or Docker archive to take. */
export interface OciBaseOptions {
  /** A folder, or an archive that may be compressed. */
  readonly path: string;
  /** A tag or name, where there are several images. */
  readonly reference?: string;
  /** `linux/arm64/v8`; by default that of the guest's architecture. */
  readonly platform?: string;
}

/** The root file system of a container image, its layers put one on the other. */
export async function ociBase(options: OciBaseOptions, context: BaseContext): Promise<Base> {
  const { signal, pack } = context;
  const source = await openBlobSource(options.path, context.temporaryFolder, signal);
  const choice = platformChoice(context.architecture, options.platform);
  const image = await findImage(source, choice, options.reference);
  const tree = new FileTree();
  const loader = new ArchiveLoader(tree, pack);
  const inputs: Base['inputs'][number][] = [];
  for (const [index, layer] of image.layers.entries()) {
    context.report(`layer ${index + 1} of ${image.layers.length}`);
    const what = `${source.shown}: layer ${layer.name}`;
    const file = createHash('sha256');
    const stream = layerStream(source, layer, what, (piece) => file.update(piece), signal);
    await describing(what, () =>
      loader.load(what, stream, { whiteouts: true, ...(signal === undefined ? {} : { signal }) }),
    );
    inputs.push({ name: `${options.path}#${layer.name}`, sha256: file.digest('hex') });
  }
  pack.flush();
  return { tree, packages: await installedPackages(tree), inputs, notes: [] };
}

/** A layer's archive: the file's digest and that of what is in it are checked as they go by. */
async function* layerStream(
  source: BlobSource,
  layer: Layer,
  what: string,
  onPiece: (piece: Uint8Array) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (/encrypted/.test(layer.mediaType)) throw new BuildError(`${what}: the layer is encrypted`);
  const raw = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of source.read(layer.name)) {
      onPiece(piece);
      yield piece;
    }
  };
  const checked = layer.digest === undefined ? raw() : checkingDigest(raw(), layer.digest, what);
  const plain = decompress(checked, signal);
  yield* layer.diffId === undefined ? plain : checkingDigest(plain, layer.diffId, `${what}, unpacked`);
  // A decompressor stops at the end of its data; the digest covers what may follow.
  for await (const _ of checked);
}
