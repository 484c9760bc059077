import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError } from '../build-error.ts';
import { needsLoader } from '../modules/elf.ts';

/**
 * A statically linked busybox of this host: the one that set-up unpacked under the cache, else an installed one.
 * Throws BuildError that says how to get one.
 */
export async function findBusybox(): Promise<string> {
  const candidates = [
    join(cacheDirectory(), 'debs/busybox-static/current/bin/busybox'),
    '/bin/busybox',
    '/usr/bin/busybox',
  ];
  for (const candidate of candidates) {
    if (existsSync(candidate) && !needsLoader(await readFile(candidate), candidate)) return candidate;
  }
  throw new BuildError(
    'busybox: no statically linked one found; `make setup` or `apt-get install busybox-static` brings it',
  );
}

/** $KIHON_CACHE, else .cache of the repository that this file (or the bundle it is in) belongs to. */
function cacheDirectory(): string {
  if (process.env.KIHON_CACHE) return process.env.KIHON_CACHE;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (dirname(folder) !== folder && !existsSync(join(folder, '.cache/debs'))) folder = dirname(folder);
  return join(folder, '.cache');
}
