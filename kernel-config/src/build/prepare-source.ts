import { join } from 'node:path';
import { acquireBuildLock } from './build-lock.ts';
import type { KernelReport } from './kernel-event.ts';
import { type Patch, patchedSource } from './patches.ts';
import { removePartialTrees, type SourceTarball, unpackSource } from './kernel-source.ts';

/** Unpacking takes 15 s on an idle machine; another process that does it is waited for as long as this. */
const SOURCE_WAIT_MS = 600_000;

/** Unpacks and patches a source, or finds it so; one process at a time. Returns the tree. */
export async function prepareSource(
  tarball: SourceTarball,
  patches: readonly Patch[],
  cacheFolder: string,
  options: {
    readonly extraFragments?: readonly string[];
    readonly signal?: AbortSignal;
    readonly report?: KernelReport;
  },
): Promise<string> {
  const { signal, report } = options;
  const withSignal = signal ? { signal } : {};
  await using _lock = await acquireBuildLock(join(cacheFolder, 'src.lock'), { ...withSignal, waitMs: SOURCE_WAIT_MS });
  await removePartialTrees(cacheFolder);
  const source = await unpackSource(tarball, cacheFolder, {
    ...withSignal,
    // A fragment of ours cannot ask for what is left out; a file of somebody's may.
    isWhole: patches.length > 0 || (options.extraFragments ?? []).some((name) => name.includes('/')),
    onStart: () => report?.({ event: 'unpacking', source: tarball.path }),
  });
  return await patchedSource(source, patches, {
    ...withSignal,
    onPatch: ({ name }) => report?.({ event: 'patching', patch: name }),
  });
}
