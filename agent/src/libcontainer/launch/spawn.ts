import { CLONE_INTO_CGROUP, CLONE_NEWPID, CLOSE_RANGE_CLOEXEC, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { failpoint, initEnvironment } from '../../base/failpoint.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicate, duplicateTo, open } from '../../sys/file.ts';
import { clone3, closeRange, execveat, exit, setDumpable, setns } from '../../sys/process.ts';
import { sendMessage } from '../../sys/socket.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { describeFailure } from '../plan/launch-failure.ts';
import { executeDescriptor } from './self-executable.ts';

export interface SpawnRequest {
  readonly selfExecutable: Fd;
  /** CLONE_NEW* bits. */
  readonly cloneFlags: number;
  /** Directory of the cgroup to be born in. */
  readonly cgroup: Fd | undefined;
  /** A pid namespace to be born in, instead of the agent's own or a new one. */
  readonly pidNamespace: Fd | undefined;
  /** For descriptors 0, 1, 2, ... of the child, in order; number 4 is the sync socket. */
  readonly descriptors: readonly Fd[];
  readonly sync: Fd;
}

const exitSpawnFailed = 125;

/** Name that makes the ELF run its init program (agent/engine/entries.c). */
const initName = 'kihon-init';

/** The child between clone and exec: it moves descriptors and becomes another program. Nothing unwinds past it. */
function becomeInit(request: SpawnRequest): never {
  try {
    setDumpable(false);
    failpoint('spawn.child');
    // Gathered above the numbers they get first, so that none is overwritten before it was moved. Not higher than needed: the
    // limit of open files may be low (LIV-03).
    const scratchBase = request.descriptors.length;
    const executable = duplicate(request.selfExecutable, scratchBase);
    const moved = request.descriptors.map((fd) => duplicate(fd, scratchBase));
    moved.forEach((fd, number) => duplicateTo(fd, number));
    closeRange(moved.length, 0xffffffff, CLOSE_RANGE_CLOEXEC);
    execveat(executable, '', [initName], initEnvironment(), executeDescriptor);
  } catch (error) {
    try {
      const failure = describeFailure('start the init program', error);
      sendMessage(request.sync, encodeMessage({ type: 'failed', failure, created: [] }));
    } finally {
      exit(exitSpawnFailed);
    }
  } finally {
    exit(exitSpawnFailed);
  }
}

function cloneInit(request: SpawnRequest): { readonly pid: number; readonly pidfd: Fd } {
  const { cgroup } = request;
  const flags = request.cloneFlags + (cgroup === undefined ? 0 : CLONE_INTO_CGROUP);
  const child = clone3(cgroup === undefined ? { flags } : { flags, cgroup });
  return child === 'child' ? becomeInit(request) : child;
}

/**
 * Makes the new process. For an existing pid namespace the agent points its own children there for the length of the call
 * (setns changes only that), which nothing else can see: there is one thread, and no wait in between.
 */
export function spawnInit(request: SpawnRequest): { readonly pid: number; readonly pidfd: Fd } {
  const { pidNamespace } = request;
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
    setns(own, CLONE_NEWPID);
  }
}
