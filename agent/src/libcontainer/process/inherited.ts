import { PR_SET_PDEATHSIG, PR_SET_THP_DISABLE, PR_SET_TIMERSLACK } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import { prctl } from '../../sys/process.ts';
import { setIoPriority, setPersonality, setScheduler } from '../../sys/scheduling.ts';

const plainScheduler = { policy: 0, flags: 0, nice: 0, priority: 0, runtime: 0n, deadline: 0n, period: 0n };

/** Of the kernel's first process, in nanoseconds (init/init_task.c). */
const timerSlackNs = 50_000;

/** Runs `reset`; what needs rights that we do not have stays as it was inherited, as it would with any program. */
function ifAllowed(reset: () => void, ...codes: readonly string[]): void {
  try {
    reset();
  } catch (error) {
    if (!isSysError(error, ...codes)) throw error;
  }
}

/**
 * Back to what the kernel gives its first process: timer slack, huge pages, parent-death signal, scheduling policy, nice value,
 * I/O priority and personality. Signals, umask and descriptors are seen to elsewhere (run-plan.ts).
 */
export function resetInherited(resetsScheduler: boolean, resetsPersonality: boolean): void {
  prctl('PR_SET_PDEATHSIG', PR_SET_PDEATHSIG, 0);
  // Not 0: that would be the parent's (fork(2) makes its value the child's default).
  prctl('PR_SET_TIMERSLACK', PR_SET_TIMERSLACK, timerSlackNs);
  ifAllowed(() => prctl('PR_SET_THP_DISABLE', PR_SET_THP_DISABLE, 0), 'EINVAL');
  if (resetsScheduler) {
    ifAllowed(() => setScheduler(plainScheduler), 'EPERM', 'EACCES');
    ifAllowed(() => setIoPriority(0, 0), 'EPERM', 'ENOSYS');
  }
  if (resetsPersonality) setPersonality(0);
}
