import { readStartTime } from '../../libcontainer/launch/recorded-init.ts';
import { startSocketName } from '../../libcontainer/launch/start-gate.ts';
import { exists } from '../../sys/file.ts';
import { isFrozen } from '../cgroup/cgroup-directory.ts';
import type { ContainerDirectory } from './container-directory.ts';
import type { StoredState } from './stored-state.ts';

/** As the specification has it, and runc's `paused`. */
export type ContainerStatus = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** What a container is now: read from the machine, never from the file. */
export function containerStatus(directory: ContainerDirectory, state: StoredState | undefined): ContainerStatus {
  // With a process there are hooks that may ask.
  if ((state?.init === undefined || directory.isClaimed) && directory.isBusy) return 'creating';
  return lockedStatus(directory, state);
}

/** The status for who holds the container's lock himself. */
export function lockedStatus(directory: ContainerDirectory, state: StoredState | undefined): ContainerStatus {
  if (state?.init === undefined) return 'stopped';
  if (readStartTime(state.init.pid) !== state.init.startTime) return 'stopped';
  if (isFrozen(state)) return 'paused';
  return exists(startSocketName, directory.fd) ? 'created' : 'running';
}
