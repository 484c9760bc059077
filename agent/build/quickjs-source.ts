import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** The version everything was tested with; another one is used with a warning and must pass the engine's self-test. */
export const testedVersion = '0.17.0-1';

export interface QuickjsSource {
  readonly directory: string;
  readonly version: string;
}

/** Finds the unpacked Debian package `qjs-src` (`make setup` puts it there). */
export function findQuickjs(root: string): QuickjsSource {
  const cache = process.env['KIHON_CACHE'] ?? join(root, '.cache');
  const current = join(cache, 'debs', 'qjs-src', 'current');
  const directory = join(current, 'usr/src/quickjs-ng');
  if (!existsSync(join(directory, 'quickjs.c')))
    throw new Error('the QuickJS-ng source (Debian package qjs-src) is missing: run `make setup`');
  const version = realpathSync(current).replace(/^.*\//, '');
  if (!version.startsWith(testedVersion))
    process.stderr.write(`agent: warning: qjs-src ${version}, tested with ${testedVersion}\n`);
  // All sources count: a changed header changes the bytecode too.
  const files = readdirSync(directory).filter((name) => /\.[ch]$/.test(name));
  const bytes = files.reduce((sum, name) => sum + readFileSync(join(directory, name)).length, 0);
  return { directory, version: `${version} (${files.length} files, ${bytes} bytes)` };
}
