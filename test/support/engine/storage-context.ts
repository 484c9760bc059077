import { neverAborted } from '../../../agent/src/base/abort.ts';
import { silentLogger } from '../../../agent/src/base/log.ts';
import type { StorageContext } from '../../../agent/src/guest/storage/storage.ts';
import { exists } from '../../../agent/src/sys/file.ts';
import { offload } from '../../../agent/src/sys/offload.ts';
import type { OffloadContext } from '../../../agent/src/sys/offload.ts';
import { monotonicMs } from '../../../agent/src/sys/system.ts';

/** How long work is held back at the most, in ms: a test that fails leaves no child. */
const HELD_MS = 20_000;

/** How blocking work of a storage goes. */
interface Pace {
  readonly deadlineMs?: number;
  /** The work does not begin before this file is there. */
  readonly heldUntil?: string;
}

/** What storages are made with inside the engine: blocking work runs in real children, and nothing comes from a host. */
export function storageContext(
  parts: OffloadContext,
  containerId: string | undefined,
  { deadlineMs = 10_000, heldUntil }: Pace = {},
): StorageContext {
  const unused = (): Promise<never> => Promise.reject(new Error('not used'));
  return {
    containerId,
    signal: neverAborted,
    log: silentLogger,
    waitForBlockDevice: unused,
    waitForScsiDisk: unused,
    waitForBlockNode: unused,
    watchables: unused,
    runProgram: unused,
    sleep: async () => undefined,
    runBlocking: (name, work, undo) => {
      const held = (): ReturnType<typeof work> => {
        if (heldUntil !== undefined)
          for (const end = monotonicMs() + HELD_MS; !exists(heldUntil) && monotonicMs() < end;);
        return work();
      };
      return offload(parts, name, held, { deadlineMs, ...(undo === undefined ? {} : { undo }) });
    },
  };
}
