import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { BuildError, describing } from '../build-error.ts';
import { TarReader } from './tar-reader.ts';

/** Where a file of an archive is in it. */
export interface Member {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Pieces in which archives are read. */
const PIECE_BYTES = 1024 * 1024;
/** Files of an image archive: blobs and a few documents. */
const MAX_MEMBERS = 100_000;

/**
 * Files of an uncompressed tar archive by name, without "./" in front. Symlinks count as the file they lead to, as in old
 * Docker archives. Throws BuildError when it is no tar archive.
 */
export async function indexMembers(path: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Member>> {
  const members = new Map<string, Member>();
  const links = new Map<string, string>();
  const reader = new TarReader();
  await using file = await describing(`read ${path}`, () => open(path, 'r'));
  const piece = new Uint8Array(PIECE_BYTES);
  await describing(`read ${path}`, async () => {
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(piece, 0, piece.length);
      if (bytesRead === 0) break;
      for (const event of reader.push(piece.subarray(0, bytesRead))) {
        if (event.kind !== 'entry') continue;
        const { header, dataOffset } = event;
        const name = posix.normalize(header.name);
        // Blobs are read where they stand, and their digests are those of whole files.
        if (header.isSparse)
          throw new BuildError(
            `read ${path}: ${JSON.stringify(name.slice(0, 80))} is stored sparse; make the image's archive without --sparse`,
          );
        if (header.kind === 'file') members.set(name, { offset: dataOffset, sizeBytes: header.sizeBytes });
        else if (header.kind === 'symlink') links.set(name, posix.join(posix.dirname(name), header.linkName));
        else if (header.kind === 'link') links.set(name, posix.normalize(header.linkName));
        if (members.size + links.size > MAX_MEMBERS)
          throw new BuildError(`read ${path}: more than ${MAX_MEMBERS} files`);
      }
    }
    reader.end();
  });
  for (const [name, target] of links) {
    const member = members.get(target);
    if (member !== undefined) members.set(name, member);
  }
  return members;
}
