import { CLONE_INTO_CGROUP, CLONE_NEWPID, CLONE_PARENT, CLOSE_RANGE_CLOEXEC, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { failpoint, initEnvironment } from '../../base/failpoint.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicate, duplicateTo } from '../../sys/descriptor.ts';
import { open } from '../../sys/file.ts';
import { makeUnprotected } from '../../sys/oom-score.ts';
import { clone3, closeRange, execveat, exit, setDumpable, setns } from '../../sys/process.ts';
import { sendMessage } from '../../sys/socket.ts';
import { exitLaunchFailed, hearParent } from '../state/hear-parent.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { describeFailure } from '../plan/launch-failure.ts';
import type { CompleteLaunchPlan } from '../plan/launch-plan.ts';
import type { LaunchChild, ProcessRequest, SpawnedChild } from '../types.ts';
import { executeDescriptor } from './self-executable.ts';

export interface SpawnRequest extends ProcessRequest {
  readonly child: LaunchChild;
  /** Undefined: it comes in a descriptor, and `child.run` reads it there. */
  readonly plan: CompleteLaunchPlan | undefined;
  /** The child is to be one of our parent. */
  readonly isSibling?: boolean;
  readonly sync: Fd;
}

/** Name that makes the ELF run its init program (agent/engine/entries.c). */
const initName = 'kihon-init';

/** Puts descriptors on the numbers from 0 on, whatever stands there now. */
function arrange(descriptors: readonly Fd[]): void {
  // Gathered above the numbers they get first, so that none is overwritten before it was moved. Not higher than needed: the
  // limit of open files may be low (LIV-03).
  const moved = descriptors.map((fd, number) =>
    fd.number === number || fd.number >= descriptors.length ? fd : duplicate(fd, descriptors.length),
  );
  moved.forEach((fd, number) => duplicateTo(fd, number));
}

/** Runs the child's part; an error goes over the sync socket. Nothing unwinds past it. */
function runChild(sync: Fd, body: () => never): never {
  try {
    failpoint('spawn.child');
    body();
  } catch (error) {
    try {
      const failure = describeFailure('start the init program', error);
      sendMessage(sync, encodeMessage({ type: 'failed', failure, created: [] }));
    } finally {
      exit(exitLaunchFailed);
    }
  } finally {
    exit(exitLaunchFailed);
  }
}

/** From clone to the plan: moves descriptors, and becomes another program or goes on in this one. */
function becomeInit(request: SpawnRequest): never {
  const { child, descriptors, plan } = request;
  if (child.kind === 'inline') {
    setDumpable(request.isDumpable);
    arrange(descriptors);
    closeRange(descriptors.length, 0xffffffff);
    return child.run(plan);
  }
  setDumpable(false);
  const executable = duplicate(child.selfExecutable, descriptors.length);
  arrange(descriptors);
  closeRange(descriptors.length, 0xffffffff, CLOSE_RANGE_CLOEXEC);
  return execveat(executable, '', [initName], initEnvironment(), executeDescriptor);
}

/**
 * The first stage: enters namespaces and makes the process that is wanted, as a sibling and not as a child. It tells the parent
 * about it by descriptor, since pids mean different things here and there.
 */
function runFirstStage(request: SpawnRequest): never {
  setDumpable(request.isDumpable);
  for (const { source, flag } of request.firstStage) setns(source, flag);
  const child = clone3({ flags: request.cloneFlags | CLONE_PARENT });
  if (child === 'child') {
    runChild(request.sync, () => {
      // Known to the parent's reaper from here on.
      if (hearParent(request.sync) !== 'continue') throw new DomainError('internal', 'launch handshake: no continue');
      return becomeInit(request);
    });
  }
  sendMessage(request.sync, encodeMessage({ type: 'spawned' }), [child.pidfd]);
  exit(0);
}

function cloneInit(request: SpawnRequest): SpawnedChild {
  const { cgroup, firstStage, sync, isSibling = false } = request;
  const hasStage = firstStage.length > 0;
  const born = (hasStage ? 0 : request.cloneFlags) | (isSibling ? CLONE_PARENT : 0);
  const flags = born + (cgroup === undefined ? 0 : CLONE_INTO_CGROUP);
  const child = makeUnprotected(() => clone3(cgroup === undefined ? { flags } : { flags, cgroup }));
  if (child !== 'child') {
    failpoint('spawn.parent');
    return child;
  }
  return runChild(sync, () => (hasStage ? runFirstStage(request) : becomeInit(request)));
}

/**
 * The way back takes rights over the caller's own pid namespace. Root of a user namespace has none where that is the machine's
 * (rootless podman); such a caller is a command that makes no more than this process.
 */
function returnTo(own: Fd): void {
  try {
    setns(own, CLONE_NEWPID);
  } catch (error) {
    if (!isSysError(error, 'EPERM')) throw error;
  }
}

/**
 * Makes the new process. For an existing pid namespace the caller points its own children there for the length of the call
 * (setns changes only that), which nothing else can see: there is one thread, and no wait in between.
 */
export function spawnInit(request: SpawnRequest): SpawnedChild {
  const { pidNamespace, child } = request;
  const made = child.kind === 'exec' ? child.zygote?.make(request) : undefined;
  if (made !== undefined) return made;
  if (pidNamespace === undefined) return cloneInit(request);
  using own = open('/proc/self/ns/pid', O_RDONLY);
  setns(pidNamespace, CLONE_NEWPID);
  try {
    return cloneInit(request);
  } catch (error) {
    // ENOMEM is how the kernel says that the namespace's first process is gone (pid_namespaces(7)).
    if (isSysError(error, 'ENOMEM')) {
      throw new DomainError('failed_precondition', 'the first process of the pid namespace is gone', error);
    }
    throw error;
  } finally {
    returnTo(own);
  }
}
