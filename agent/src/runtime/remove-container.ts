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

function removeCgroup({ cgroup }: StoredState, isOurs: boolean): void {
  if (cgroup === undefined) return;
  const slash = cgroup.path.lastIndexOf('/');
  const end = monotonicMs() + deadlineMs;
  for (;;) {
    try {
      using parent = open(`${cgroup.root}${cgroup.path.slice(0, slash)}`, O_RDONLY | O_DIRECTORY);
      removeCgroupTree(parent, cgroup.path.slice(slash + 1));
      return;
    } catch (error) {
      if (isSysError(error, 'ENOENT')) return;
      if (!isSysError(error, 'EBUSY')) throw error;
      // Of a crash before the container had it: it is somebody else's, who had it first.
      if (!isOurs) return;
      if (monotonicMs() > end) {
        throw new DomainError(
          'deadline_exceeded',
          `cgroup ${cgroup.path} was not empty within ${deadlineMs} ms`,
          error,
        );
      }
    }
    pauseFor(pollMs);
  }
}

/**
 * Ends every process of a container, in whatever state it is, and waits for that. Before it was claimed nothing in the cgroup is
 * known to be the container's.
 */
export function killEverything(state: StoredState, isOurs = state.init !== undefined): void {
  if (!isOurs) return;
  signalEverything(state, SIGKILL);
  waitForInit(state, true);
}

/**
 * Takes away what a container whose init has ended still has in the kernel. `isClaimed`: it was never complete, but the cgroup is
 * its own. Works again after a failure half-way.
 */
export async function removeKernelObjects(state: StoredState, log: Logger, isClaimed: boolean): Promise<void> {
  const isOurs = state.init !== undefined || isClaimed;
  // What a maker that died had begun, and processes that init left behind in a pid namespace that is not the container's own.
  if (isOurs && (isClaimed || !state.hasOwnPidNamespace)) signalEverything(state, SIGKILL);
  const unit = state.cgroup?.unit;
  // Before that a unit of that name is somebody else's.
  if (unit !== undefined && isOurs) {
    const { stopStoredUnit } = await import('./cgroup/stored-unit.ts');
    await stopStoredUnit(unit, log);
  }
  failpoint('runtime.remove-cgroup');
  removeCgroup(state, isOurs);
}
