import { CLONE_NEWTIME, O_RDONLY } from '../../abi/constants.ts';
import { wrapError } from '../../base/errors.ts';
import { open } from '../../sys/file.ts';
import { setDumpable, setgroups, setns, setresgid, setresuid, unshare } from '../../sys/process.ts';
import type { Step } from '../plan/launch-plan.ts';
import type { InitState } from './init-state.ts';

/** Becomes root of the user namespace this process is in; the parent writes the maps of a new one. */
export function enterUserNamespace(state: InitState, step: Extract<Step, { do: 'user-namespace' }>): void {
  if (step.asksParent) state.need('id-maps');
  if (step.setsGroups) setgroups([]);
  try {
    setresgid(0);
    setresuid(0);
  } catch (error) {
    throw wrapError('become root of the user namespace, which must map user and group 0', error);
  }
  // A change of user may have switched it.
  setDumpable(step.isDumpable);
}

/**
 * A new time namespace holds for children only, so this process joins the one of its children. The clocks can be set only before
 * anybody is in it (time_namespaces(7)), which the parent does: the file is not ours to open, since nobody may trace us.
 */
export function enterTimeNamespace(state: InitState, isShifted: boolean): void {
  unshare(CLONE_NEWTIME);
  if (isShifted) state.need('time-offsets');
  using made = open('/proc/self/ns/time_for_children', O_RDONLY);
  setns(made, CLONE_NEWTIME);
}
