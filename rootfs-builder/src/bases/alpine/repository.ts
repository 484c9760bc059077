import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BuildError, describing, reasonOf } from '../../build-error.ts';

/** A file of a repository larger than this is refused: it is held in memory. */
const MAX_FILE_BYTES = 1024 ** 3;
/** How long one file may take. */
const TIMEOUT_MS = 300_000;

/** Reads a file of a repository: by http(s), or from a folder of this host (`/path` or `file:///path`). */
export async function readFromMirror(mirror: string, name: string, signal?: AbortSignal): Promise<Uint8Array> {
  if (/^https?:/.test(mirror)) return await download(`${mirror.replace(/\/+$/, '')}/${name}`, signal);
  const folder = mirror.startsWith('file:') ? fileURLToPath(mirror) : mirror;
  if (!folder.startsWith('/')) throw new BuildError(`base.mirror ${mirror}: neither http(s) nor a folder`);
  const path = `${folder.replace(/\/+$/, '')}/${name}`;
  return await describing(`read ${path}`, () => readFile(path, signal === undefined ? {} : { signal }));
}

async function download(url: string, signal?: AbortSignal): Promise<Uint8Array> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
    if (!response.ok) throw new BuildError(`download ${shown(url)}: HTTP status ${response.status}`);
    const pieces: Uint8Array[] = [];
    let total = 0;
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      total += piece.length;
      if (total > MAX_FILE_BYTES) throw new BuildError(`download ${shown(url)}: more than ${MAX_FILE_BYTES} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new BuildError(`download ${shown(url)}: ${reasonOf(cause)}`, error);
  }
}

/** Without a user's name and password. */
function shown(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
