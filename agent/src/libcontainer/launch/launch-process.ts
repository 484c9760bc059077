import { SHUT_RDWR, SIGKILL } from '../../abi/constants.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { memfd, setNonBlocking } from '../../sys/descriptor.ts';
import { readText } from '../../sys/file.ts';
import { sendMessage, shutdown, socketPair } from '../../sys/socket.ts';
import type { NamespaceEntry } from '../plan/compile-container.ts';
import { encodeMessage } from '../plan/handshake.ts';
import type { Need } from '../plan/handshake.ts';
import { firstFreeDescriptor } from '../plan/inherited-descriptors.ts';
import type { CompleteLaunchPlan, GateKind, LaunchPlan } from '../plan/launch-plan.ts';
import type { LaunchContext, ProcessConfig, ProcessStdio } from '../types.ts';
import { converse } from './converse.ts';
import type { LaunchListener } from './converse.ts';
import type { LaunchExpectations } from '../plan/launch-sequence.ts';
import { LaunchedProcess } from './launched-process.ts';
import { MakerGone } from './maker-gone.ts';
import { spawnInit } from './spawn.ts';
import type { SpawnRequest } from './spawn.ts';
import { prepareStdio } from './stdio.ts';

export interface LaunchRequest {
  readonly plan: LaunchPlan;
  readonly isTerminal: boolean;
  /** Until it is ready the process can be looked at by others of its user. */
  readonly isDumpable: boolean;
  readonly cloneFlags: number;
  readonly firstStage: readonly NamespaceEntry<Fd>[];
  /** Tried in order while the kernel says that a process cannot live there (EBUSY, EOPNOTSUPP). */
  readonly cgroups: readonly Fd[];
  readonly pidNamespace: Fd | undefined;
  /** The plan has the process made in a pid namespace that it enters itself. */
  readonly goesOnInside?: boolean;
  /** For the numbers the plan was compiled with. */
  readonly inherited: readonly Fd[];
  /** Bound socket that the start comes over; undefined: the sync socket. */
  readonly listener: Fd | undefined;
  /** Whose the pipes of stdio are to be, in ids of this process. */
  readonly stdioOwner: { readonly uid: number; readonly gid: number } | undefined;
  readonly config: ProcessConfig;
  readonly deadlineMs: number;
  /** Does what the process asks for. */
  readonly onNeed: (need: Need, pid: number, signal: AbortSignal) => void | Promise<void>;
  readonly onCreated: (paths: readonly string[]) => void;
  /** Called when the process, or its first stage, is there and at work; true: it may be started. A failure ends it. */
  readonly onBorn?: (pid: number) => boolean;
}

/** A process that waits for `start` on its sync socket. */
export interface ReadyProcess {
  readonly process: LaunchedProcess;
  /** The caller's end of the sync socket: the start gate. */
  readonly gate: Fd;
  /** It has its `start`, and did not wait for it. */
  readonly isStarted: boolean;
}

/** How long a killed child may take to die; one stuck in the kernel is left to the reaper. */
const killDeadlineMs = 5000;
/** A first stage sends its message before it ends, so this only has to last for reading it. */
const firstStageGraceMs = 200;

function spawnInFirst(
  context: LaunchContext,
  request: LaunchRequest,
  parts: Pick<SpawnRequest, 'plan' | 'descriptors' | 'sync'>,
): LaunchedProcess {
  const { child } = context;
  const { cloneFlags, firstStage, pidNamespace, cgroups } = request;
  for (let index = 0; ; index++) {
    const cgroup = cgroups[index];
    try {
      const { isDumpable } = request;
      const spawned = spawnInit({ child, cloneFlags, isDumpable, firstStage, pidNamespace, cgroup, ...parts });
      return new LaunchedProcess(context.reaper, spawned);
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

/** The pid behind a pidfd as this process sees it (`/proc/self/fdinfo`). */
function pidOf(pidfd: Fd): number {
  const text = readText(`/proc/self/fdinfo/${pidfd.number}`);
  const pid = Number(/^Pid:\s*(\d+)$/m.exec(text)?.[1] ?? '0');
  if (pid > 0) return pid;
  throw new DomainError('internal', 'the new process ended before it was known');
}

function needsOf(plan: LaunchPlan): Need[] {
  return plan.steps.flatMap((step): Need[] => {
    if (step.do === 'cgroup' || step.do === 'runtime-hooks') return [step.do];
    if (step.do === 'time-namespace' && step.isShifted) return ['time-offsets'];
    return step.do === 'user-namespace' && step.asksParent ? ['id-maps'] : [];
  });
}

/** The plan with what hangs on the descriptors of this launch, which come in the order of `descriptors`. */
function completePlan(context: LaunchContext, request: LaunchRequest): CompleteLaunchPlan {
  const { inherited, listener, config } = request;
  const firstPreserved = firstFreeDescriptor + inherited.length;
  const preserved = (config.preserved ?? []).map((_, index) => firstPreserved + index);
  const gate: GateKind =
    listener === undefined
      ? { kind: 'sync', answers: context.rules.awaitsExecve }
      : { kind: 'socket', descriptor: firstPreserved + preserved.length };
  return { ...request.plan, gate, preserved, isDumpable: request.isDumpable };
}

/** A launch under way. */
class Launch {
  readonly #context: LaunchContext;
  readonly #request: LaunchRequest;
  readonly #scope: Scope;
  #process: LaunchedProcess;
  #master: Fd | undefined;

  /** `first` is the process, or the stage that makes it. */
  constructor(context: LaunchContext, request: LaunchRequest, scope: Scope, first: LaunchedProcess) {
    this.#context = context;
    this.#request = request;
    this.#scope = scope;
    this.#process = first;
  }

  get process(): LaunchedProcess {
    return this.#process;
  }

  /** Takes the terminal's master, if it was kept. */
  takeMaster(): Fd | undefined {
    const master = this.#master;
    this.#master = undefined;
    return master;
  }

  readonly listener: LaunchListener = {
    onSpawned: (pidfd) => {
      this.#scope.use(pidfd);
      const made = new LaunchedProcess(this.#context.reaper, { pid: pidOf(pidfd), pidfd });
      this.#process = made;
      this.release(made);
      this.#request.config.onSpawned?.(made.pid);
    },
    onTerminal: (master) => {
      const { consoleSocket } = this.#request.config;
      if (consoleSocket === undefined) {
        this.#master = this.#scope.use(master);
        return;
      }
      using sent = master;
      sendMessage(consoleSocket, encodeBytes('/dev/ptmx'), [sent]);
    },
    onNeed: (need, signal) => this.#request.onNeed(need, this.#process.pid, signal),
    onDescriptor: async (name, fd) => {
      using sent = fd;
      await this.#request.config.onDescriptor?.(name, sent, this.#process.pid);
    },
    onNote: (text) => this.#context.log.error(text),
    onCreated: (paths) => this.#request.onCreated(paths),
  };

  /** Registers the end of a process with the scope. */
  release(process: LaunchedProcess): void {
    this.#scope.defer(async () => {
      killQuietly(process);
      await process.waitExit(this.#context.loop, killDeadlineMs);
    });
  }
}

/** Gives a launch up whose first stage ended without having made the process. */
function watchFirstStage(
  context: LaunchContext,
  launch: Launch,
  stage: LaunchedProcess,
  giveUp: () => void,
): () => void {
  let timer: { cancel(): void } | undefined;
  let isOver = false;
  stage.onExit(() => {
    // Not when the launch has failed meanwhile: nobody has the gate any more.
    if (isOver) return;
    timer = context.loop.setTimer(firstStageGraceMs, () => {
      if (launch.process === stage) giveUp();
    });
  });
  return () => {
    isOver = true;
    timer?.cancel();
  };
}

/**
 * Makes a process and waits until it is ready to execute its program. On any failure it is killed, reaped, and everything made
 * here is released; the error says what went wrong in the child. Descriptors of the request stay the caller's.
 */
export async function launchProcess(context: LaunchContext, request: LaunchRequest): Promise<ReadyProcess> {
  try {
    return await launchOnce(context, request);
  } catch (error) {
    if (!(error instanceof MakerGone)) throw error;
    // With sockets and pipes of its own.
    return await launchOnce(context, request);
  }
}

async function launchOnce(context: LaunchContext, request: LaunchRequest): Promise<ReadyProcess> {
  await using scope = new Scope();
  // What only the child needs; closed as soon as it has it.
  await using childOnly = new Scope();
  const { config, isTerminal } = request;
  const stdio = prepareStdio(scope, {
    isTerminal,
    pipeSize: context.pipeSize,
    given: config.stdio,
    owner: request.stdioOwner,
  });
  const plan = completePlan(context, request);
  const [gate, sync] = socketPair('seqpacket');
  scope.use(gate);
  childOnly.use(sync);
  const carrier =
    context.child.kind === 'inline'
      ? sync
      : childOnly.use(memfd('launch-plan', { sealed: encodeBytes(JSON.stringify(plan)) }));
  const listener = request.listener === undefined ? [] : [request.listener];
  const descriptors = [...stdio.child, carrier, sync, ...request.inherited, ...(config.preserved ?? []), ...listener];
  const first = spawnInFirst(context, request, { plan, descriptors, sync });
  const launch = new Launch(context, request, scope, first);
  launch.release(first);
  const hasStage = request.firstStage.length > 0 || request.goesOnInside === true;
  if (!hasStage) config.onSpawned?.(first.pid);
  if (stdio.child !== config.stdio) for (const fd of stdio.child) fd.close();
  await childOnly.unwind();
  const expectations = {
    terminal: isTerminal,
    spawned: hasStage,
    needs: needsOf(request.plan),
    descriptors: config.descriptors ?? [],
  };
  const mayStart = request.onBorn?.(first.pid) ?? false;
  const isStarted = mayStart && canStartEarly(expectations, request) && sayEarly(gate);
  // A gate without a peer reads as its end.
  const unwatch = hasStage ? watchFirstStage(context, launch, first, () => shutdown(gate, SHUT_RDWR)) : undefined;
  try {
    const { deadlineMs } = request;
    await converse(context.loop, gate, { expectations, listener: launch.listener, deadlineMs, signal: config.signal });
  } finally {
    unwatch?.();
  }
  const { process } = launch;
  process.setStdio(ownStdio(stdio.own, launch.takeMaster()));
  scope.commit();
  return { process, gate, isStarted };
}

/** A process that asks for something on its way would take the start for the answer. */
function canStartEarly({ spawned, needs, descriptors }: LaunchExpectations, { listener }: LaunchRequest): boolean {
  return !spawned && needs.length === 0 && descriptors.length === 0 && listener === undefined;
}

/** Says `start` before the process is ready, which saves it the wait. False: it is dead, which the conversation will explain. */
function sayEarly(gate: Fd): boolean {
  try {
    sendMessage(gate, encodeMessage({ type: 'start' }));
    return true;
  } catch (error) {
    if (!isSysError(error, 'EPIPE')) throw error;
    return false;
  }
}

function ownStdio(own: ProcessStdio, master: Fd | undefined): ProcessStdio {
  if (master === undefined) return own;
  setNonBlocking(master, true);
  return { kind: 'terminal', master };
}

/** Closes the caller's ends of a process's stdio. */
export function closeStdio(stdio: ProcessStdio): void {
  if (stdio.kind === 'none') return;
  for (const fd of stdio.kind === 'terminal' ? [stdio.master] : [stdio.stdin, stdio.stdout, stdio.stderr]) fd.close();
}
