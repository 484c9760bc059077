import { DomainError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { EventLoop } from '../sys/loop.ts';
import { requireCgroup } from './cgroup/cgroup-directory.ts';
import { runtimeError } from './runtime-error.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import { lockedStatus } from './state/container-status.ts';

/** `pause`: settles when every process of the container stands still. */
export async function pauseContainer(root: string, id: string, log: Logger): Promise<void> {
  using directory = ContainerDirectory.openLocked(root, id);
  const state = directory.require();
  const status = lockedStatus(directory, state);
  if (status !== 'running' && status !== 'created') {
    throw new DomainError('failed_precondition', `container not running or created: ${status}`);
  }
  await requireCgroup(state, 'pause', log).freezeAndWait(EventLoop.create());
}

/** `resume`: the container goes on as it was before the pause. */
export async function resumeContainer(root: string, id: string, log: Logger): Promise<void> {
  using directory = ContainerDirectory.openLocked(root, id);
  const state = directory.require();
  if (lockedStatus(directory, state) !== 'paused') throw runtimeError('not paused', id);
  await requireCgroup(state, 'resume', log).thawAndWait(EventLoop.create());
}
