import { createOnDisk, openBundle, planContainer } from './create.ts';
import type { CreateRequest } from './create.ts';
import { removeStopped } from './delete.ts';
import { adoptOrphans, attend } from './foreground.ts';
import { giveUpOnSignals } from './give-up-signals.ts';
import { cgroupRootFor, makeLaunchContext } from './launch.ts';
import { runLateHooks } from './late-hooks.ts';
import { killEverything } from './remove-container.ts';

/** How `run` was called, beyond what `create` knows. */
export interface RunOptions {
  readonly isSubreaper: boolean;
  /** The container stays when its program has ended. */
  readonly isKept: boolean;
}

/** Creates and starts a container; in the foreground also waits for it and removes it. Gives the exit code. */
export async function runContainer(request: CreateRequest, options: RunOptions): Promise<number> {
  const bundle = openBundle(request);
  const context = makeLaunchContext(request.log, cgroupRootFor(request.cgroups));
  if (request.isForeground && options.isSubreaper) adoptOrphans();
  const given = giveUpOnSignals(context.loop);
  const planned = await planContainer(context, request, bundle, given.signal);
  const { directory, state, handle } = await createOnDisk(context, request, planned, given.signal);
  try {
    await handle.startAndConfirm(given.signal);
    await runLateHooks(context, directory, state, 'poststart');
  } catch (error) {
    killEverything(state);
    await removeStopped(directory, state, request.log);
    throw error;
  }
  given.end();
  if (!request.isForeground) return 0;
  // Others may look after the container now; it is theirs as much as ours.
  directory.unlock();
  const code = await attend(context.loop, handle.init);
  if (!options.isKept && directory.waitForLock()) await removeStopped(directory, state, request.log);
  return code;
}
