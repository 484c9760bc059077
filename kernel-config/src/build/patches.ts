import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BuildFailure } from './failure.ts';
import { runCommand } from './run-command.ts';

/** Folder of the patches, one folder below it for each series. */
export const PATCH_FOLDER = join(import.meta.dirname, '..', '..', 'patches');

/** A patch, read. */
export interface Patch {
  readonly path: string;
  readonly name: string;
  /** SHA-256 in hex. */
  readonly digest: string;
}

/**
 * Reads the patches of a series, in order of their names, and then `extra` as given.
 *
 * @throws {BuildFailure} on one that cannot be read or is no patch.
 */
export async function loadPatches(
  series: string,
  extra: readonly string[] = [],
  folder = PATCH_FOLDER,
): Promise<Patch[]> {
  const files = await readdir(join(folder, series)).catch(() => []);
  const own = files
    .filter((file) => file.endsWith('.patch'))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((file) => join(folder, series, file));
  return Promise.all([...own, ...extra].map(loadPatch));
}

async function loadPatch(path: string): Promise<Patch> {
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (error) {
    throw new BuildFailure(`patch ${path}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  if (!/^--- .*\n\+\+\+ /m.test(text)) throw new BuildFailure(`patch ${path}: it has no "---" and "+++" lines`);
  return { path, name: basename(path), digest: createHash('sha256').update(text, 'latin1').digest('hex') };
}

/** One digest for patches in their order; empty for none, so that an unpatched kernel keeps its place in the cache. */
export function patchesDigest(patches: readonly Patch[]): string {
  if (patches.length === 0) return '';
  return createHash('sha256')
    .update(patches.map(({ digest }) => digest).join('\n'))
    .digest('hex');
}

/**
 * Gives the source with the patches in it: `sourceFolder` itself when there are none, else a tree of its own beside it, whose
 * unchanged files are hard links (patch(1) writes a changed file anew). An interruption leaves nothing that looks whole.
 *
 * @throws {BuildFailure} naming the patch that does not apply and what patch(1) said.
 */
export async function patchedSource(
  sourceFolder: string,
  patches: readonly Patch[],
  options: { readonly signal?: AbortSignal; readonly onPatch?: (patch: Patch) => void } = {},
): Promise<string> {
  if (patches.length === 0) return sourceFolder;
  const folder = `${sourceFolder}-${patchesDigest(patches).slice(0, 16)}`;
  if (await exists(join(folder, 'Makefile'))) return folder;
  const withSignal = options.signal ? { signal: options.signal } : {};
  const partial = await mkdtemp(join(sourceFolder, '..', '.patch-'));
  try {
    await runCommand('cp', ['-al', `${sourceFolder}/.`, partial], withSignal);
    for (const patch of patches) {
      options.onPatch?.(patch);
      const lines: string[] = [];
      try {
        await runCommand(
          'patch',
          [
            '-p1',
            '--batch',
            '--forward',
            '--no-backup-if-mismatch',
            '--reject-file=-',
            '-d',
            partial,
            '-i',
            patch.path,
          ],
          { ...withSignal, onLine: (line) => lines.push(line) },
        );
      } catch (error) {
        if (!(error instanceof BuildFailure)) throw error;
        const said = lines.filter((line) => /FAILED|can't find|malformed|Reversed|No file to patch|garbage/.test(line));
        throw new BuildFailure(
          `patch ${patch.name} does not apply to ${basename(sourceFolder)}: ${(said.length > 0 ? said : lines.slice(-3)).join('; ')}`,
          { cause: error },
        );
      }
    }
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
