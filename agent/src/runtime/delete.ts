import { DomainError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { makeLaunchContext } from './launch.ts';
import { runLateHooks } from './late-hooks.ts';
import { killEverything, removeKernelObjects } from './remove-container.ts';
import { runtimeError } from './runtime-error.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import { lockedStatus } from './state/container-status.ts';
import type { StoredState } from './state/stored-state.ts';

export interface DeleteRequest {
  readonly root: string;
  readonly id: string;
  /** Also of a running container, of one that was never finished, and of none at all. */
  readonly isForced: boolean;
  readonly log: Logger;
}

/** The state; with `isForced` one that cannot be read is as good as none. */
function readState(directory: ContainerDirectory, { isForced, log }: DeleteRequest): StoredState | undefined {
  try {
    return directory.read();
  } catch (error) {
    if (!isForced || !(error instanceof DomainError)) throw error;
    log.warn(`${directory.id}: ${error.message}; only its state directory is removed`);
    return undefined;
  }
}

/** Removes a stopped container with everything that its state names. */
export async function removeStopped(
  directory: ContainerDirectory,
  state: StoredState | undefined,
  log: Logger,
): Promise<void> {
  if (state !== undefined) {
    await removeKernelObjects(state, log, directory.isClaimed);
    if (state.hooks.poststop) await runLateHooks(makeLaunchContext(log, undefined), directory, state, 'poststop');
  }
  directory.remove();
}

/** `delete`: see the request for what `isForced` adds. */
export async function deleteContainer(request: DeleteRequest): Promise<void> {
  const { root, id, isForced } = request;
  using directory = ContainerDirectory.tryOpen(root, id);
  if (directory === undefined) {
    if (isForced) return;
    throw runtimeError('no such container', id);
  }
  // Before the lock: whoever waits in a start or a hook of this container holds it.
  const seen = isForced ? readState(directory, request) : undefined;
  if (seen !== undefined) killEverything(seen, seen.init !== undefined || directory.isClaimed);
  if (!directory.waitForLock()) {
    if (isForced) return;
    throw runtimeError('no such container', id);
  }
  const state = readState(directory, request);
  const status = lockedStatus(directory, state);
  if (state !== undefined && status !== 'stopped') {
    if (!isForced) {
      throw new DomainError('failed_precondition', `cannot delete container ${id} that is not stopped: ${status}`);
    }
    killEverything(state);
  }
  await removeStopped(directory, state, request.log);
}
