import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BuildFailure } from './failure.ts';
import { runCommand } from './run-command.ts';

/** A source tarball and what identifies it. */
export interface SourceTarball {
  readonly path: string;
  /** SHA-256 in hex. */
  readonly digest: string;
}

/** Where the Debian package `linux-source-6.12` puts its tarball. */
export const DEFAULT_TARBALL = '/usr/src/linux-source-6.12.tar.xz';

/**
 * Finds the tarball and computes its digest (0.3 s for 150 MB).
 *
 * @throws {BuildFailure} when it is not there; the message says how to get it.
 */
export async function locateSource(path = DEFAULT_TARBALL): Promise<SourceTarball> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    const hint = path === DEFAULT_TARBALL ? '; get it with: apt-get install linux-source-6.12' : '';
    throw new BuildFailure(`kernel source ${path}: ${error instanceof Error ? error.message : 'unreadable'}${hint}`);
  }
  return { path, digest: hash.digest('hex') };
}

/** Name of the folders that belong to a tarball. */
export function sourceId(tarball: SourceTarball): string {
  return tarball.digest.slice(0, 16);
}

/**
 * Unpacks the tarball once and returns the folder that holds the kernel's top `Makefile`. It is unpacked beside its
 * place and renamed, so an interruption leaves no half tree that looks whole.
 */
export async function unpackSource(
  tarball: SourceTarball,
  cacheFolder: string,
  options: { signal?: AbortSignal; onStart?: () => void } = {},
): Promise<string> {
  const folder = join(cacheFolder, 'src', sourceId(tarball));
  if (await exists(join(folder, 'Makefile'))) return folder;
  options.onStart?.();
  await mkdir(join(cacheFolder, 'src'), { recursive: true });
  const partial = await mkdtemp(join(cacheFolder, 'src', '.unpack-'));
  try {
    await runCommand(
      'tar',
      ['-xf', tarball.path, '-C', partial, '--strip-components=1', '--no-same-owner'],
      options.signal ? { signal: options.signal } : {},
    );
    if (!(await exists(join(partial, 'Makefile')))) {
      throw new BuildFailure(`${basename(tarball.path)} holds no kernel: no Makefile at its top`);
    }
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

/** The kernel's version as its Makefile says, such as `6.12.117`. */
export async function readKernelVersion(sourceFolder: string): Promise<string> {
  const makefile = await readFile(join(sourceFolder, 'Makefile'), 'utf8');
  const part = (name: string): string => new RegExp(`^${name} =[ \\t]*(.*)$`, 'm').exec(makefile)?.[1]?.trim() ?? '';
  return `${part('VERSION')}.${part('PATCHLEVEL')}.${part('SUBLEVEL')}${part('EXTRAVERSION')}`;
}

/** Removes trees a killed build left half unpacked. Only call while holding the build lock. */
export async function removePartialTrees(cacheFolder: string): Promise<void> {
  const entries = await readdir(join(cacheFolder, 'src')).catch(() => []);
  for (const entry of entries) {
    if (entry.startsWith('.unpack-')) await rm(join(cacheFolder, 'src', entry), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
