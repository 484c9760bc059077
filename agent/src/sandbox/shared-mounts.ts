import { wrapError } from '../base/errors.ts';
import type { AbortSignal } from '../base/abort.ts';
import { isSysError } from '../base/sys-error.ts';
import { parseMountInfo } from '../codec/mountinfo.ts';
import { shareMount } from '../libcontainer/rootfs/share-mount.ts';
import type { ContainerHandle, LaunchContext } from '../libcontainer/types.ts';
import { readFile } from '../sys/file.ts';
import { offload } from '../sys/offload.ts';
import { getpid } from '../sys/process.ts';
import { sleep } from '../sys/readiness.ts';
import type { SharedMount } from './shared-mount.ts';

export { checkSharedMounts, containerName } from './shared-mount.ts';

/** How long the source may take to mount; after that the container does without (lifecycle 9.5). */
const waitMs = 10_000;
const pollMs = 100;
/** Both file systems may be shares of the host. */
const attachMs = 10_000;
const maxTableBytes = 16 << 20;
/** True when the container has a mount at exactly this path. False as well when it has ended. */
function hasMount(source: ContainerHandle, path: string): boolean {
  if (source.initPid === undefined) return false;
  try {
    const table = parseMountInfo(readFile(`/proc/${source.initPid}/mountinfo`, { maxBytes: maxTableBytes }));
    return table.some((row) => row.mountPoint === path);
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/**
 * Shows mounts of other containers in a container that was created and not yet started. They are waited for together, 10 s at
 * most; what does not appear, or whose container is not known, is left out with a warning, as hosts expect. They are
 * attached in the order of the list. A mount that is there but cannot be attached fails the call.
 */
export async function attachSharedMounts(
  context: LaunchContext,
  mounts: readonly SharedMount[],
  target: ContainerHandle,
  findContainer: (name: string) => ContainerHandle | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { loop, log } = context;
  const endMs = loop.now() + waitMs;
  for (const mount of mounts) {
    const { sourceContainer, sourcePath, destinationPath } = mount;
    const facts = { cid: target.id, source: sourceContainer, path: sourcePath };
    const source = findContainer(sourceContainer);
    if (source === undefined) {
      log.warn('shared mount: no such container', facts);
      continue;
    }
    while (!hasMount(source, sourcePath) && loop.now() < endMs) await sleep(loop, pollMs, signal);
    if (!hasMount(source, sourcePath)) {
      log.warn('shared mount: not there', facts);
      continue;
    }
    const what = `shared mount ${sourcePath} of ${sourceContainer} on ${destinationPath}`;
    try {
      const from = { ...sideOf(source), path: sourcePath };
      const to = { ...sideOf(target), path: destinationPath };
      await offload(context, what, () => shareMount(from, to), { deadlineMs: attachMs, signal, waitsForRoom: true });
    } catch (error) {
      throw wrapError(what, error);
    }
  }
}

/** Descriptors of this process as a child without them can open them again. */
function sideOf({ namespaces, root }: ContainerHandle): { mountNamespace: string; root: string } {
  const own = `/proc/${getpid()}/fd`;
  return { mountNamespace: `${own}/${namespaces.mount.number}`, root: `${own}/${root.number}` };
}
