import { SIGKILL } from '../abi/constants.ts';
import { isSysError } from '../base/sys-error.ts';
import { signalAll } from '../libcontainer/cgroup/processes.ts';
import { openRecorded } from '../libcontainer/launch/recorded-init.ts';
import { pidfdSignal } from '../sys/process.ts';
import { openCgroupDirectory } from './cgroup/cgroup-directory.ts';
import { runtimeError } from './runtime-error.ts';
import type { StoredState } from './state/stored-state.ts';

/** Signals every process of the container's cgroup; false when it has none to find them by. */
export function signalEverything(state: StoredState, signal: number): boolean {
  using directory = openCgroupDirectory(state);
  if (directory === undefined) return false;
  try {
    signalAll(directory, signal);
  } catch (error) {
    // Removed meanwhile.
    if (!isSysError(error, 'ENODEV', 'ENOENT')) throw error;
  }
  return true;
}

/**
 * Sends a signal to the first process of a container, or to all. SIGKILL to a container that shares its pid namespace goes to all:
 * nothing else would end the others. Throws "container not running" when there is nobody to get it.
 */
export function signalContainer(state: StoredState, signal: number, isForAll: boolean): void {
  using init = state.init && openRecorded(state.init);
  const meansAll = isForAll || (signal === SIGKILL && !state.hasOwnPidNamespace);
  if (meansAll && signalEverything(state, signal) && (init !== undefined || isForAll)) return;
  if (init === undefined) throw runtimeError('not running', state.id);
  try {
    pidfdSignal(init, signal);
  } catch (error) {
    if (isSysError(error, 'ESRCH')) throw runtimeError('not running', state.id, error);
    throw error;
  }
}
