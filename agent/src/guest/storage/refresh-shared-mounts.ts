import { isSysError } from '../../base/sys-error.ts';
import { parseMountInfo } from '../../codec/mountinfo.ts';
import { readFile, stat } from '../../sys/file.ts';
import type { StorageContext } from './storage.ts';

const SHARED = '/run/kata-containers/shared/containers/';

/** The table of a guest with many volumes and containers stays far below this. */
const MAX_TABLE_BYTES = 16 << 20;

/**
 * Asks for the state of every mount below the shared directory, so that the host's file server forgets what it still holds
 * for containers that are gone (RemoveStaleVirtiofsShareMounts, contract storage section 6). Unmounts nothing; failures,
 * a server that does not answer among them, are no concern of the caller.
 */
export async function refreshSharedMounts(context: Pick<StorageContext, 'runBlocking'>): Promise<void> {
  const paths = parseMountInfo(readFile('/proc/self/mountinfo', { maxBytes: MAX_TABLE_BYTES }))
    .map((row) => row.mountPoint)
    .filter((path) => path.startsWith(SHARED));
  if (paths.length === 0) return;
  try {
    await context.runBlocking('ask for the state of shared mounts', () => statAll(paths));
  } catch {
    // See above.
  }
}

/** One after the other in one child: a server that hangs for one would hang for the others too. */
function statAll(paths: readonly string[]): number {
  let count = 0;
  for (const path of paths) {
    try {
      stat(path);
      count += 1;
    } catch (error) {
      if (!isSysError(error)) throw error;
    }
  }
  return count;
}
