import { CLONE_PARENT } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { exit, fork } from '../../sys/process.ts';
import { sendMessage } from '../../sys/socket.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { hearParent } from '../state/hear-parent.ts';
import type { InitState } from './init-state.ts';

/**
 * Makes the process that goes on, in the pid namespace entered before; this one ends. Up to here nobody inside had a number for what
 * was on its way in, and what is seen from here on has no rights, descriptors or folders beyond the container's own (EXE-05).
 */
export function goOnInside(state: InitState, closes: readonly number[]): void {
  state.guestDevpts?.close();
  for (const number of closes) new Fd(number, 'namespace').close();
  const made = forkInside();
  if (made !== 'child') {
    sendMessage(state.sync, encodeMessage({ type: 'spawned' }), [made.pidfd]);
    exit(0);
  }
  // Known to the parent's reaper from here on.
  if (hearParent(state.sync) !== 'continue') throw new DomainError('internal', 'launch handshake: no continue');
}

function forkInside(): ReturnType<typeof fork> {
  try {
    return fork(CLONE_PARENT);
  } catch (error) {
    // How the kernel says that the namespace's first process is gone (pid_namespaces(7)).
    if (!isSysError(error, 'ENOMEM')) throw error;
    throw new DomainError('failed_precondition', 'the first process of the pid namespace is gone', error);
  }
}
