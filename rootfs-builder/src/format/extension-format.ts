import { BuildError } from '../build-error.ts';
import { verityLine } from '../verity/parameters.ts';
import { writeDisk } from './disk-format.ts';
import type { FormatRequest, WrittenImage } from './format.ts';
import { allowOptions } from './refuse-options.ts';

/**
 * A guest extension: a disk with erofs, attached as a virtio-blk disk of serial `extension-<name>` and mounted on
 * /run/kata-extensions/<name>. Its kernel parameter activates it, with the hashes' parameters when it is measured.
 */
export async function writeExtensionFormat(request: FormatRequest): Promise<WrittenImage> {
  allowOptions('extension', request, ['extensionName', 'sizeBytes', 'alignmentBytes', 'verity', 'compression']);
  const { extensionName: name } = request;
  if (name === undefined) throw new BuildError('extension: it needs a name ("extensionName")');
  // The name is in a kernel parameter, a device name and a path; a virtio-blk serial has 20 bytes.
  if (!/^[A-Za-z0-9_-]{1,10}$/.test(name))
    throw new BuildError(`extension: name ${JSON.stringify(name)}: 1 to 10 letters, digits, "_" and "-" only`);
  const written = await writeDisk(request, 'erofs', false);
  const key = `kata.extension.${name}.verity_params`;
  const kernelParameters = [written.verity === undefined ? key : `${key}=${verityLine(written.verity)}`];
  return { ...written, kernelParameters };
}
