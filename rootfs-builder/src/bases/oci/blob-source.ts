import { createReadStream, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Member } from '../../archive/member-index.ts';
import { indexMembers } from '../../archive/member-index.ts';
import { BuildError, describing, reasonOf } from '../../build-error.ts';
import { decompress } from '../../compress/decompress.ts';
import { writeOutput } from '../../output/write-output.ts';

/** Documents of an image (index, manifest, configuration) are held in memory; registries refuse larger ones too. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** The files of an image, wherever they are. Names are relative and were checked by the caller. */
export interface BlobSource {
  /** What is read, for messages. */
  readonly shown: string;
  has(name: string): boolean;
  /** Size in bytes. Throws BuildError when it is not there. */
  sizeOf(name: string): number;
  read(name: string): AsyncIterable<Uint8Array>;
}

/** The whole of a small file. */
export async function readDocument(source: BlobSource, name: string): Promise<Uint8Array> {
  const size = source.sizeOf(name);
  if (size > MAX_DOCUMENT_BYTES)
    throw new BuildError(`${source.shown}: ${name} has ${size} bytes, too many for a document`);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.read(name)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Opens an image: a folder, or an archive, which is unpacked into `temporaryFolder` first if it is compressed. */
export async function openBlobSource(path: string, temporaryFolder: string, signal?: AbortSignal): Promise<BlobSource> {
  const stats = await describing(`read ${path}`, () => stat(path));
  if (stats.isDirectory()) return folderSource(path);
  if (!stats.isFile()) throw new BuildError(`read ${path}: neither a folder nor an archive`);
  let archive = path;
  if (await isCompressed(path)) {
    archive = join(temporaryFolder, 'image.tar');
    await describing(`unpack ${path}`, () => writeOutput(archive, decompress(createReadStream(path), signal), signal));
  }
  return archiveSource(path, archive, await indexMembers(archive, signal));
}

async function isCompressed(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const head = new Uint8Array(4);
  await file.read(head, 0, 4, 0);
  const magic = Buffer.from(head).toString('hex');
  return magic.startsWith('1f8b') || magic === '28b52ffd';
}

function folderSource(folder: string): BlobSource {
  const pathOf = (name: string): string => {
    // A manifest of Docker names files, and could name those of the host.
    if (name.startsWith('/') || name.split('/').includes('..'))
      throw new BuildError(`${folder}: read ${JSON.stringify(name.slice(0, 80))}: it leads outside the image`);
    return join(folder, name);
  };
  const sizeOf = (name: string): number => {
    const path = pathOf(name);
    try {
      const stats = statSync(path);
      if (stats.isFile()) return stats.size;
    } catch (error) {
      throw new BuildError(`${folder}: read ${name}: ${reasonOf(error)}`, error);
    }
    throw new BuildError(`${folder}: read ${name}: not a file`);
  };
  return {
    shown: folder,
    has: (name) => {
      try {
        return statSync(join(folder, name)).isFile();
      } catch {
        return false;
      }
    },
    sizeOf,
    read: (name) => createReadStream(pathOf(name), { highWaterMark: 256 * 1024 }),
  };
}

function archiveSource(shown: string, archive: string, members: ReadonlyMap<string, Member>): BlobSource {
  const find = (name: string): Member => {
    const member = members.get(name);
    if (member === undefined) throw new BuildError(`${shown}: ${name} is not in the archive`);
    return member;
  };
  return {
    shown,
    has: (name) => members.has(name),
    sizeOf: (name) => find(name).sizeBytes,
    read: (name) => {
      const { offset, sizeBytes } = find(name);
      if (sizeBytes === 0) return emptyStream();
      return createReadStream(archive, { start: offset, end: offset + sizeBytes - 1, highWaterMark: 256 * 1024 });
    },
  };
}

async function* emptyStream(): AsyncGenerator<Uint8Array> {
  // Nothing comes.
}
