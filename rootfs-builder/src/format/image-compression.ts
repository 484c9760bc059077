import { BuildError } from '../build-error.ts';
import { COMPRESSIONS } from '../compress/compress.ts';
import type { Compression } from '../compress/compress.ts';

/** Archives are compressed as a whole, erofs by files. */
export const IMAGE_COMPRESSIONS = [...COMPRESSIONS, 'lz4'] as const;
export type ImageCompression = (typeof IMAGE_COMPRESSIONS)[number];

/** The compression of an archive. Throws BuildError for one of file systems. */
export function archiveCompression(
  kind: string,
  wanted: ImageCompression | undefined,
  usual: Compression,
): Compression {
  if (wanted === 'lz4') throw new BuildError(`${kind}: compression "lz4" is that of erofs; give gzip, zstd or none`);
  return wanted ?? usual;
}

/** Whether files are compressed. Throws BuildError where the file system cannot, or files must be read in place. */
export function compressesFiles(type: string, wanted: ImageCompression | undefined, dax: boolean | undefined): boolean {
  if (wanted === undefined || wanted === 'none') return false;
  if (type !== 'erofs') throw new BuildError(`${type}: it has no compression; leave it out, or take erofs`);
  if (wanted !== 'lz4') throw new BuildError(`erofs: compression "${wanted}" is that of archives; give lz4 or none`);
  if (dax === true)
    throw new BuildError('erofs: compressed files cannot be read in place: give either dax or compression');
  return true;
}
