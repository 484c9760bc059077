import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where bases and finished images are kept: `images` below $KIHON_CACHE, else below `.cache` of the repository that this
 * program is of, else below the user's cache folder.
 */
export function imageCacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { KIHON_CACHE: named, XDG_CACHE_HOME: users } = environment;
  if (named !== undefined && named !== '') return join(named, 'images');
  let folder = dirname(fileURLToPath(import.meta.url));
  for (; dirname(folder) !== folder; folder = dirname(folder)) {
    if (existsSync(join(folder, 'kernel-config')) && existsSync(join(folder, 'rootfs-builder')))
      return join(folder, '.cache', 'images');
  }
  return join(users !== undefined && users !== '' ? users : join(homedir(), '.cache'), 'kihon', 'images');
}
