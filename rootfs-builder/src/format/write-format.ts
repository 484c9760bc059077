import { BuildError } from '../build-error.ts';
import { writeDiskFormat } from './disk-format.ts';
import { writeExtensionFormat } from './extension-format.ts';
import { writeFileSystemFormat } from './file-system-format.ts';
import type { Format, FormatRequest, WrittenImage } from './format.ts';
import { writeInitrdFormat } from './initrd-format.ts';
import { writeOciArchiveFormat, writeOciFormat } from './oci-format.ts';
import { writeTarFormat } from './tar-format.ts';

type Writer = (request: FormatRequest) => Promise<WrittenImage>;

/**
 * Writes the tree of `request` in one format. The same tree, options and time give the same bytes on every machine with
 * the same versions of the programs that take part. Throws BuildError with one line (or the reason of `signal`); then
 * nothing is left under the final names, and no temporary file.
 */
export async function writeFormat(kind: Format, request: FormatRequest): Promise<WrittenImage> {
  request.signal?.throwIfAborted();
  checkTime(request.sourceDateEpoch);
  try {
    return await writerOf(kind)(request);
  } catch (error) {
    request.signal?.throwIfAborted(); // what an interrupted piece said of itself is of no interest
    throw error;
  }
}

function writerOf(kind: Format): Writer {
  switch (kind) {
    case 'initrd':
      return writeInitrdFormat;
    case 'tar':
      return writeTarFormat;
    case 'ext4':
    case 'erofs':
    case 'xfs':
      return (request) => writeFileSystemFormat(kind, request);
    case 'disk':
      return writeDiskFormat;
    case 'extension':
      return writeExtensionFormat;
    case 'oci':
      return writeOciFormat;
    case 'oci-archive':
      return writeOciArchiveFormat;
  }
}

/** What all formats can say: cpio and the ext4 superblock have 32 bits. */
function checkTime(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 0xffff_ffff)
    throw new BuildError(`source date epoch ${seconds}: not a time of 32 bits in seconds since 1970`);
}
