import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError } from '../build-error.ts';
import { hostArchitecture } from '../build/host-architecture.ts';
import { needsLoader } from '../modules/elf.ts';

/** Names of the folders that set-up unpacks into: that of this host's has no suffix. */
const UNPACKED: Readonly<Record<string, string>> = { aarch64: 'busybox-static-arm64' };

/**
 * A statically linked busybox, of this host or of another architecture: the one that set-up unpacked under the cache, else an installed one.
 * Throws BuildError that says how to get one.
 */
export async function findBusybox(architecture = hostArchitecture()): Promise<string> {
  const isOwn = architecture === hostArchitecture();
  const unpacked = isOwn ? 'busybox-static' : UNPACKED[architecture];
  const candidates = [
    ...(unpacked === undefined ? [] : [join(cacheDirectory(), `debs/${unpacked}/current/bin/busybox`)]),
    ...(isOwn ? ['/bin/busybox', '/usr/bin/busybox'] : []),
  ];
  for (const candidate of candidates) {
    if (existsSync(candidate) && !needsLoader(await readFile(candidate), candidate)) return candidate;
  }
  throw new BuildError(
    isOwn
      ? 'busybox: no statically linked one found; `make setup` or `apt-get install busybox-static` brings it'
      : `busybox: none for ${architecture} here; base.busybox names one`,
  );
}

/** $KIHON_CACHE, else .cache of the repository that this file (or the bundle it is in) belongs to. */
function cacheDirectory(): string {
  if (process.env.KIHON_CACHE) return process.env.KIHON_CACHE;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (dirname(folder) !== folder && !existsSync(join(folder, '.cache/debs'))) folder = dirname(folder);
  return join(folder, '.cache');
}
