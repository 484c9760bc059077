import { SIGKILL } from '../../abi/constants.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { memfd, setNonBlocking } from '../../sys/file.ts';
import { socketPair } from '../../sys/socket.ts';
import type { LaunchPlan } from '../plan/launch-plan.ts';
import type { LaunchContext, ProcessStdio } from '../types.ts';
import { awaitReady } from './await-ready.ts';
import { LaunchedProcess } from './launched-process.ts';
import { spawnInit } from './spawn.ts';
import { prepareStdio } from './stdio.ts';

export interface LaunchRequest {
  readonly plan: LaunchPlan;
  readonly isTerminal: boolean;
  readonly cloneFlags: number;
  /** Tried in order while the kernel says that a process cannot live there (EBUSY, EOPNOTSUPP). */
  readonly cgroups: readonly Fd[];
  readonly pidNamespace: Fd | undefined;
  /** For the numbers the plan was compiled with. */
  readonly inherited: readonly Fd[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onCreated: (paths: readonly string[]) => void;
}

/** A process that waits for `start` on its sync socket. */
export interface ReadyProcess {
  readonly process: LaunchedProcess;
  /** The agent's end of the sync socket: the start gate. */
  readonly gate: Fd;
}

/** How long a killed child may take to die; one stuck in the kernel is left to the reaper. */
const killDeadlineMs = 5000;

function spawnInFirst(
  context: LaunchContext,
  request: LaunchRequest,
  descriptors: readonly Fd[],
  sync: Fd,
): LaunchedProcess {
  const { selfExecutable } = context;
  const { cloneFlags, pidNamespace, cgroups } = request;
  for (let index = 0; ; index++) {
    const cgroup = cgroups[index];
    try {
      const child = spawnInit({ selfExecutable, cloneFlags, pidNamespace, cgroup, descriptors, sync });
      return new LaunchedProcess(context.reaper, child);
    } catch (error) {
      if (index + 1 >= cgroups.length || !isSysError(error, 'EBUSY', 'EOPNOTSUPP')) throw error;
    }
  }
}

function killQuietly(process: LaunchedProcess): void {
  try {
    process.signal(SIGKILL);
  } catch (error) {
    if (!isSysError(error, 'ESRCH')) throw error;
  }
}

/**
 * Makes a process and waits until it is ready to execute its program. On any failure it is killed, reaped, and everything made
 * here is released; the error says what went wrong in the child. Descriptors of the request stay the caller's.
 */
export async function launchProcess(context: LaunchContext, request: LaunchRequest): Promise<ReadyProcess> {
  await using scope = new Scope();
  // What only the child needs; closed as soon as it has it.
  await using childOnly = new Scope();
  const stdio = prepareStdio(scope, request.isTerminal, context.pipeSize);
  const plan = childOnly.use(memfd('launch-plan', { sealed: encodeBytes(JSON.stringify(request.plan)) }));
  const [gate, sync] = socketPair('seqpacket');
  scope.use(gate);
  childOnly.use(sync);
  const descriptors = [...stdio.child, plan, sync, ...request.inherited];
  const process = spawnInFirst(context, request, descriptors, sync);
  scope.defer(async () => {
    killQuietly(process);
    await process.waitExit(context.loop, killDeadlineMs);
  });
  for (const fd of stdio.child) fd.close();
  await childOnly.unwind();
  const master = await awaitReady(context.loop, gate, { ...request, expectsTerminal: request.isTerminal });
  process.setStdio(ownStdio(stdio.own, master));
  scope.commit();
  return { process, gate };
}

function ownStdio(pipes: ProcessStdio | undefined, master: Fd | undefined): ProcessStdio {
  if (master !== undefined) {
    setNonBlocking(master, true);
    return { kind: 'terminal', master };
  }
  if (pipes === undefined) throw new Error('a launch without a terminal has pipes');
  return pipes;
}

/** Closes the agent's ends of a process's stdio. */
export function closeStdio(stdio: ProcessStdio): void {
  for (const fd of stdio.kind === 'terminal' ? [stdio.master] : [stdio.stdin, stdio.stdout, stdio.stderr]) fd.close();
}
