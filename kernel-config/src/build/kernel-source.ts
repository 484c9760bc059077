import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DEFAULT_SERIES } from '../configurations.ts';
import { kernelCacheFolder } from './cache-folder.ts';
import { BuildFailure } from './failure.ts';
import { runCommand } from './run-command.ts';

/** A source tarball and what identifies it. */
export interface SourceTarball {
  readonly path: string;
  /** SHA-256 in hex. */
  readonly digest: string;
}

/** Name of a tarball, as Debian's linux-source packages have it. */
const TARBALL = /^linux-source-(\d+\.\d+)\.tar\.xz$/;

/** Where Debian's packages put tarballs: installed, or unpacked below the cache by `install.sh kernel-newer`. */
function sourceFolders(): string[] {
  return ['/usr/src', join(dirname(kernelCacheFolder()), 'debs', 'linux-source', 'current', 'usr', 'src')];
}

/** Series whose sources are on this machine, oldest first. */
export async function listSeries(folders = sourceFolders()): Promise<string[]> {
  const found = new Set<string>();
  for (const folder of folders) {
    for (const file of await readdir(folder).catch(() => [])) {
      const series = TARBALL.exec(file)?.[1];
      if (series !== undefined) found.add(series);
    }
  }
  return [...found].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/**
 * Finds the tarball of a series (or the one named) and computes its digest (0.3 s for 150 MB).
 *
 * @throws {BuildFailure} when it is not there; the message says how to get it.
 */
export async function locateSource(
  where: { readonly series?: string; readonly tarball?: string } = {},
  folders = sourceFolders(),
): Promise<SourceTarball> {
  const path = where.tarball ?? (await tarballOf(where.series ?? DEFAULT_SERIES, folders));
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new BuildFailure(`kernel source ${path}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  return { path, digest: hash.digest('hex') };
}

async function tarballOf(series: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const path = join(folder, `linux-source-${series}.tar.xz`);
    if (await exists(path)) return path;
  }
  const there = await listSeries([...folders]);
  const hint =
    series === DEFAULT_SERIES
      ? `get it with: apt-get install linux-source-${series}`
      : 'get the newest with: bash rootfs-builder/setup/install.sh kernel-newer';
  throw new BuildFailure(
    `no kernel source of series ${series}; there are: ${there.length > 0 ? there.join(', ') : 'none'}; ${hint}`,
  );
}

/** Name of the folders that belong to a tarball. */
export function sourceId(tarball: SourceTarball): string {
  return tarball.digest.slice(0, 16);
}

/**
 * What no kernel of our fragments is made of: nearly half of the source's bytes and a third of its files. Kconfig reads every
 * Kconfig file and make some Makefiles, so those stay.
 */
const LEFT_OUT = [
  '*/Documentation/*/*',
  '*/drivers/gpu/*.[ch]',
  '*/drivers/media/*.[ch]',
  '*/drivers/staging/*.[ch]',
  '*/tools/testing/*',
];

/** How a source is unpacked. */
export interface UnpackOptions {
  /** Whether somebody's own fragment or patch may touch what is left out else. */
  readonly isWhole?: boolean;
  readonly signal?: AbortSignal;
  readonly onStart?: () => void;
}

/**
 * Unpacks the tarball once, without what is never built unless that is asked for, and returns the folder that holds the kernel's top
 * `Makefile`. It is unpacked beside its place and renamed, so an interruption leaves no half tree that looks whole.
 */
export async function unpackSource(
  tarball: SourceTarball,
  cacheFolder: string,
  options: UnpackOptions = {},
): Promise<string> {
  const { isWhole = false, signal } = options;
  const whole = join(cacheFolder, 'src', sourceId(tarball));
  const part = `${whole}-part`;
  for (const folder of isWhole ? [whole] : [part, whole]) if (await exists(join(folder, 'Makefile'))) return folder;
  options.onStart?.();
  await mkdir(join(cacheFolder, 'src'), { recursive: true });
  const partial = await mkdtemp(join(cacheFolder, 'src', '.unpack-'));
  try {
    const leftOut = isWhole ? [] : LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
    await runCommand(
      'tar',
      ['-xf', tarball.path, '-C', partial, '--strip-components=1', '--no-same-owner', ...leftOut],
      // Decompression with all processors, which xz can since 5.4: writing takes tar as long.
      { env: { XZ_OPT: '-T0' }, ...(signal ? { signal } : {}) },
    );
    if (!(await exists(join(partial, 'Makefile')))) {
      throw new BuildFailure(`${basename(tarball.path)} holds no kernel: no Makefile at its top`);
    }
    await rename(partial, isWhole ? whole : part);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return isWhole ? whole : part;
}

/** The kernel's version as its Makefile says, such as `6.12.117`. */
export async function readKernelVersion(sourceFolder: string): Promise<string> {
  const makefile = await readFile(join(sourceFolder, 'Makefile'), 'utf8');
  const part = (name: string): string => new RegExp(`^${name} =[ \\t]*(.*)$`, 'm').exec(makefile)?.[1]?.trim() ?? '';
  return `${part('VERSION')}.${part('PATCHLEVEL')}.${part('SUBLEVEL')}${part('EXTRAVERSION')}`;
}

/** Removes trees a killed build left half unpacked. Only call while holding the source lock. */
export async function removePartialTrees(cacheFolder: string): Promise<void> {
  const entries = await readdir(join(cacheFolder, 'src')).catch(() => []);
  for (const entry of entries) {
    if (/^\.(?:unpack|patch)-/.test(entry)) await rm(join(cacheFolder, 'src', entry), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
