import type { AbortSignal } from '../base/abort.ts';
import { DomainError } from '../base/errors.ts';
import { openStartGate, removeStartSocket } from '../libcontainer/launch/start-gate.ts';
import type { LaunchContext } from '../libcontainer/types.ts';
import { runLateHooks } from './late-hooks.ts';
import { killEverything } from './remove-container.ts';
import type { ContainerDirectory } from './state/container-directory.ts';
import { lockedStatus } from './state/container-status.ts';

/** Starts a created container. Settles when its program runs; then its poststart hooks have run as well. */
export async function startContainer(
  context: LaunchContext,
  directory: ContainerDirectory,
  signal: AbortSignal,
): Promise<void> {
  const state = directory.require();
  const status = lockedStatus(directory, state);
  if (status === 'stopped' || state.init === undefined) {
    throw new DomainError('failed_precondition', 'cannot start a container that has stopped');
  }
  if (status === 'running') throw new DomainError('failed_precondition', 'cannot start an already running container');
  if (status !== 'created') {
    throw new DomainError('failed_precondition', `cannot start a container in the ${status} state`);
  }
  await openStartGate(context.loop, directory.fd, state.init, signal);
  // From now on the status says that it runs.
  removeStartSocket(directory.fd);
  try {
    await runLateHooks(context, directory, state, 'poststart');
  } catch (error) {
    // It runs, but it must not go on (runtime-spec, "Lifecycle").
    killEverything(state);
    throw error;
  }
}
