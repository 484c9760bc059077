import { O_DIRECTORY, O_RDONLY, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '../abi/constants.ts';
import { DomainError, wrapError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { startExec } from '../libcontainer/exec/start-exec.ts';
import { pinRecorded } from '../libcontainer/launch/recorded-init.ts';
import { Cgroup } from '../libcontainer/cgroup/cgroup.ts';
import { runtimeCgroupPolicy } from '../libcontainer/cgroup/cgroup-policy.ts';
import type { ExecTarget } from '../libcontainer/types.ts';
import { specFromJson } from '../oci/from-json/spec-from-json.ts';
import { mayTrace } from '../oci/may-trace.ts';
import type { ProcessSpec, Spec } from '../oci/spec.ts';
import type { Fd } from '../sys/fd.ts';
import { openAt } from '../sys/file.ts';
import { connectSocket, sendDescriptor, sendTerminal } from './console-socket.ts';
import { adoptOrphans, attend } from './foreground.ts';
import { giveUpOnSignals } from './give-up-signals.ts';
import { makeLaunchContext } from './launch.ts';
import { ownStdio } from './own-stdio.ts';
import { writePidFile } from './pid-file.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import { lockedStatus } from './state/container-status.ts';
import type { StoredState } from './state/stored-state.ts';
import { withOwnTerminalSize } from './terminal-size.ts';

/** How `exec` was called. Paths are absolute. */
export interface ExecRequest {
  readonly root: string;
  readonly id: string;
  readonly log: Logger;
  /** The process, made from the one of the container's configuration. */
  readonly process: (container: ProcessSpec) => ProcessSpec;
  readonly isForeground: boolean;
  readonly isSubreaper: boolean;
  readonly ignoresPause: boolean;
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly preserved: readonly Fd[];
  /** Below the container's cgroup. */
  readonly subCgroup?: string;
}

function checkStatus(directory: ContainerDirectory, state: StoredState, request: ExecRequest): void {
  const status = lockedStatus(directory, state);
  if (status === 'stopped') throw new DomainError('failed_precondition', 'cannot exec in a stopped container');
  if (status === 'paused' && !request.ignoresPause) {
    throw new DomainError('failed_precondition', 'cannot exec in a paused container (use --ignore-paused to override)');
  }
}

function checkTerminal(process: ProcessSpec, request: ExecRequest): void {
  const hasSocket = request.consoleSocket !== undefined;
  if (!request.isForeground && process.terminal && !hasSocket) {
    throw new DomainError(
      'invalid_argument',
      'process.terminal: cannot allocate tty if the command will detach without setting console socket',
    );
  }
  if (hasSocket && (request.isForeground || !process.terminal)) {
    throw new DomainError(
      'invalid_argument',
      'cannot use console socket if the command will not detach or allocate tty',
    );
  }
}

/** Where the program is born: the container's cgroup, or the one below it that was asked for. */
function openCgroup(scope: Scope, state: StoredState, request: ExecRequest): ExecTarget['cgroup'] {
  const { subCgroup } = request;
  if (state.cgroup === undefined) {
    if (subCgroup === undefined) return undefined;
    throw new DomainError('failed_precondition', '--cgroup: the container has no cgroup of its own');
  }
  const cgroup = Cgroup.open(state.cgroup.root, state.cgroup.path, request.log, runtimeCgroupPolicy);
  scope.defer(() => cgroup.close());
  if (subCgroup === undefined) return cgroup;
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const path = `./${subCgroup}`;
  try {
    const directory = scope.use(openAt(cgroup.directory, path, { flags: O_RDONLY | O_DIRECTORY, resolve }));
    return { path: `${cgroup.path}/${subCgroup}`, directory, openChild: () => undefined };
  } catch (error) {
    throw wrapError(`--cgroup ${subCgroup}`, error);
  }
}

/**
 * Whether the container's pid namespace may have processes with CAP_SYS_PTRACE in it, now that this one comes: its own, what an
 * earlier exec has left behind, or neighbours that nobody knows here.
 */
function isWatched(directory: ContainerDirectory, spec: Spec, process: ProcessSpec): boolean {
  const pids = spec.linux.namespaces.find(({ type }) => type === 'pid');
  if (mayTrace(spec.process.capabilities) || pids?.path !== undefined || directory.hasTracer) return true;
  if (mayTrace(process.capabilities)) directory.markTracer();
  return false;
}

/** Runs a further program in a container. Gives its exit code, or 0 when it was only started. */
export async function execInContainer(request: ExecRequest): Promise<number> {
  await using scope = new Scope();
  const directory = ContainerDirectory.openLocked(request.root, request.id, 'shared');
  const state = directory.require();
  checkStatus(directory, state, request);
  const { value: spec } = specFromJson(directory.readConfig(), { bundle: state.bundle });
  const asked = request.process(spec.process);
  checkTerminal(asked, request);
  const process = request.isForeground ? withOwnTerminalSize(asked) : asked;
  const terminal = request.consoleSocket === undefined ? undefined : scope.use(connectSocket(request.consoleSocket));
  const pidfdSocket = request.pidfdSocket === undefined ? undefined : scope.use(connectSocket(request.pidfdSocket));
  const pinned = state.init && pinRecorded(scope, state.init);
  if (state.init === undefined || pinned === undefined) {
    throw new DomainError('failed_precondition', 'cannot exec in a stopped container');
  }
  const cgroup = openCgroup(scope, state, request);
  const context = makeLaunchContext(request.log, state.cgroup?.root);
  if (!request.isForeground) context.reaper.leaveChildren();
  else if (request.isSubreaper) adoptOrphans();
  const given = giveUpOnSignals(context.loop);
  const target = {
    id: state.id,
    initPid: state.init.pid,
    spec,
    namespaces: pinned.namespaces,
    root: pinned.root,
    cgroup,
    isWatched: isWatched(directory, spec, process),
  };
  const launched = await startExec(context, target, {
    execId: 'exec',
    process,
    signal: given.signal,
    stdio: ownStdio(),
    preserved: request.preserved,
    deadlineMs: Infinity,
  });
  given.end();
  // The container may be changed or removed while the program runs.
  directory.fd.close();
  if (pidfdSocket !== undefined) sendDescriptor(pidfdSocket, launched.pidfd, `pidfd:${launched.pid}`);
  if (request.pidFile !== undefined) writePidFile(request.pidFile, launched.pid);
  if (terminal !== undefined && launched.stdio.kind === 'terminal') sendTerminal(terminal, launched.stdio.master);
  return request.isForeground ? await attend(context.loop, launched) : 0;
}
