import { O_DIRECTORY, O_RDONLY, SIGKILL } from '../abi/constants.ts';
import { DomainError } from '../base/errors.ts';
import { failpoint } from '../base/failpoint.ts';
import type { Logger } from '../base/log.ts';
import { isSysError } from '../base/sys-error.ts';
import { removeCgroupTree } from '../libcontainer/cgroup/remove-tree.ts';
import { openRecorded } from '../libcontainer/launch/recorded-init.ts';
import { open } from '../sys/file.ts';
import { blockUntilReadable, pauseFor } from '../sys/poll.ts';
import { pidfdSignal } from '../sys/process.ts';
import { monotonicMs } from '../sys/system.ts';
import { signalEverything } from './signal-container.ts';
import type { StoredState } from './state/stored-state.ts';

/** Killed processes get this long: one that waits for a dead disk may need it. */
const deadlineMs = 10_000;
/** A process that was never finished ends by itself when its maker does. */
const abandonedMs = 1000;
/** Between two looks at a cgroup that still has processes. */
const pollMs = 1;

function waitForInit(state: StoredState, isKill: boolean): void {
  using init = state.init && openRecorded(state.init);
  if (init === undefined) return;
  if (isKill) {
    try {
      pidfdSignal(init, SIGKILL);
    } catch (error) {
      if (!isSysError(error, 'ESRCH')) throw error;
    }
  }
  if (!blockUntilReadable(init, deadlineMs)) {
    throw new DomainError('deadline_exceeded', `process ${state.init?.pid ?? 0} did not end within ${deadlineMs} ms`);
  }
}

function removeCgroup({ cgroup, init }: StoredState): void {
  if (cgroup === undefined) return;
  const slash = cgroup.path.lastIndexOf('/');
  const waitMs = init === undefined ? abandonedMs : deadlineMs;
  const end = monotonicMs() + waitMs;
  for (;;) {
    try {
      using parent = open(`${cgroup.root}${cgroup.path.slice(0, slash)}`, O_RDONLY | O_DIRECTORY);
      removeCgroupTree(parent, cgroup.path.slice(slash + 1));
      return;
    } catch (error) {
      if (isSysError(error, 'ENOENT')) return;
      if (!isSysError(error, 'EBUSY')) throw error;
      if (monotonicMs() > end) {
        // Of a crash before the container was made: the cgroup is somebody else's, who had it first.
        if (init === undefined) return;
        throw new DomainError('deadline_exceeded', `cgroup ${cgroup.path} was not empty within ${waitMs} ms`, error);
      }
    }
    pauseFor(pollMs);
  }
}

/**
 * Ends every process of a container, in whatever state it is, and waits for that. Before a process was made
 * nothing in the cgroup is known to be the container's.
 */
export function killEverything(state: StoredState, isSpawned = state.init !== undefined): void {
  if (!isSpawned) return;
  signalEverything(state, SIGKILL);
  waitForInit(state, true);
}

/** Takes away what a container without processes still has in the kernel. Works again after a failure half-way. */
export async function removeKernelObjects(state: StoredState, log: Logger, isSpawned: boolean): Promise<void> {
  // Processes that init left behind in a pid namespace that is not the container's own.
  if (!state.hasOwnPidNamespace && state.init !== undefined) signalEverything(state, SIGKILL);
  const unit = state.cgroup?.unit;
  // Before a process was made, a unit of that name is somebody else's.
  if (unit !== undefined && isSpawned) {
    const { stopStoredUnit } = await import('./cgroup/stored-unit.ts');
    await stopStoredUnit(unit, log);
  }
  failpoint('runtime.remove-cgroup');
  removeCgroup(state);
}
