import type { AbortSignal } from '../base/abort.ts';
import { DomainError } from '../base/errors.ts';
import { failpoint } from '../base/failpoint.ts';
import type { Logger } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { ownCgroupPath } from '../libcontainer/cgroup/cgroup-path.ts';
import type { SystemdUnit } from '../libcontainer/cgroup/systemd/systemd-unit.ts';
import { createContainer } from '../libcontainer/launch/create-container.ts';
import { createStartSocket } from '../libcontainer/launch/start-gate.ts';
import type { ContainerHandle, LaunchContext } from '../libcontainer/types.ts';
import type { HooksSpec, NamespaceType, Spec } from '../oci/spec.ts';
import type { Fd } from '../sys/fd.ts';
import { readText } from '../sys/file.ts';
import { geteuid } from '../sys/process.ts';
import { wallClock } from '../sys/system.ts';
import { connectSocket, sendDescriptor, sendTerminal } from './console-socket.ts';
import { chooseCgroup } from './cgroup/choose-cgroup.ts';
import type { CgroupChoice, ChosenCgroup } from './cgroup/choose-cgroup.ts';
import { findCgroupRoot } from './cgroup/find-root.ts';
import type { ServiceFacts } from './service-facts.ts';
import { ownStdio } from './own-stdio.ts';
import { writePidFile } from './pid-file.ts';
import { readBundle } from './read-bundle.ts';
import type { Bundle } from './read-bundle.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import type { StoredState } from './state/stored-state.ts';
import { withOwnTerminalSize } from './terminal-size.ts';
import { formatTimestamp } from './timestamp.ts';

/** How `create` and `run` were called. Paths are absolute. */
export interface CreateRequest {
  /** Directory of all state. */
  readonly root: string;
  readonly id: string;
  readonly bundle: string;
  readonly cgroups: CgroupChoice;
  readonly log: Logger;
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly hasPivot: boolean;
  readonly hasOwnKeyring: boolean;
  /** The command stays, and the container's terminal is the command's own. */
  readonly isForeground: boolean;
  /** Descriptors 3, 4, ... that the program gets as they are. */
  readonly preserved: readonly Fd[];
  /** Sockets of the caller's service manager. */
  readonly services: ServiceFacts;
  /** The program is started by another command, later. */
  readonly startsLater: boolean;
}

/** A container on disk and in the kernel, still locked by this command. */
export interface CreatedContainer {
  readonly directory: ContainerDirectory;
  readonly state: StoredState;
  readonly handle: ContainerHandle;
}

/** A program that wants a terminal needs somebody who holds its other end (runc's words). */
function checkTerminal(spec: Spec, request: CreateRequest): void {
  const { terminal } = spec.process;
  if (request.isForeground) {
    if (request.consoleSocket !== undefined) {
      throw new DomainError('invalid_argument', 'cannot use console socket if the command will not detach');
    }
  } else if (terminal && request.consoleSocket === undefined) {
    throw new DomainError(
      'invalid_argument',
      'process.terminal: cannot allocate tty if the command will detach without setting console socket',
    );
  } else if (!terminal && request.consoleSocket !== undefined) {
    throw new DomainError(
      'invalid_argument',
      'cannot use console socket if the command will not detach or allocate tty',
    );
  }
}

/** The bundle for `request`, checked against how the command was called. */
export function openBundle(request: CreateRequest): Bundle {
  const bundle = readBundle(request.bundle, request.log);
  checkTerminal(bundle.spec, request);
  const { spec } = bundle;
  const { env, mounts } = request.services;
  const sized = request.isForeground ? withOwnTerminalSize(spec.process) : spec.process;
  if (env.length === 0 && sized === spec.process) return bundle;
  const process = { ...sized, env: [...sized.env, ...env] };
  return { ...bundle, spec: { ...spec, process, mounts: [...spec.mounts, ...mounts] } };
}

/** A container without a cgroup of its own lives in that of this command, and sees it where it has a cgroup mount. */
function callersCgroup(): string | undefined {
  const root = findCgroupRoot();
  const path = ownCgroupPath(readText('/proc/self/cgroup'));
  return root === undefined || path === undefined || path.startsWith('/..') ? undefined : `${root}${path}`;
}

const hookPoints: readonly (keyof HooksSpec)[] = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
];

/** The spec asks to see a cgroup that is not the root of a cgroup namespace, or may not be made to (compile-mounts.ts). */
function showsCallersCgroup({ mounts, linux }: Spec): boolean {
  const has = (wanted: NamespaceType): boolean => linux.namespaces.some(({ type }) => type === wanted);
  return mounts.some(({ type }) => type === 'cgroup' || type === 'cgroup2') && (!has('cgroup') || has('user'));
}

/**
 * True for a container of which a crash leaves nothing but its state directory: no cgroup, and no hooks that ask for its state or have to
 * be run in the end. It is recorded once, when its process is at work; that one ends with this command as long as it was not started.
 */
function isRecordedOnce({ startsLater }: CreateRequest, { hooks }: Spec, state: StoredState): boolean {
  return !startsLater && state.cgroup === undefined && hookPoints.every((point) => hooks[point].length === 0);
}

/** What is known of a container before it is made. */
function firstState(request: CreateRequest, { spec, path }: Bundle, cgroup: ChosenCgroup['stored']): StoredState {
  const { linux, hooks } = spec;
  return {
    id: request.id,
    ociVersion: spec.version,
    bundle: path,
    rootfs: spec.root.path,
    created: formatTimestamp(wallClock()),
    owner: geteuid(),
    annotations: spec.annotations,
    cgroup,
    hasOwnPidNamespace: linux.namespaces.some(({ type, path: joined }) => type === 'pid' && joined === undefined),
    hooks: { poststart: hooks.poststart.length > 0, poststop: hooks.poststop.length > 0 },
    init: undefined,
  };
}

/** What is decided before anything is made. */
export interface PlannedContainer {
  readonly bundle: Bundle;
  readonly state: StoredState;
  /** Open until the container is made. */
  readonly unit: SystemdUnit | undefined;
}

/** Decides what a container will be. `createOnDisk` has to follow. */
export async function planContainer(
  context: LaunchContext,
  request: CreateRequest,
  bundle: Bundle,
  signal: AbortSignal,
): Promise<PlannedContainer> {
  const { stored, unit } = await chooseCgroup(context, request, bundle.spec, signal);
  return { bundle, state: firstState(request, bundle, stored), unit };
}

function optionalSocket(scope: Scope, path: string | undefined): Fd | undefined {
  return path === undefined ? undefined : scope.use(connectSocket(path));
}

function handOver(
  request: CreateRequest,
  handle: ContainerHandle,
  terminal: Fd | undefined,
  pidfd: Fd | undefined,
): void {
  const { stdio } = handle.init;
  if (terminal !== undefined && stdio.kind === 'terminal') sendTerminal(terminal, stdio.master);
  if (pidfd !== undefined) sendDescriptor(pidfd, handle.init.pidfd, `pidfd:${handle.init.pid}`);
  if (request.pidFile !== undefined) writePidFile(request.pidFile, handle.init.pid);
}

/**
 * Makes a container whose first process waits for its start. What the state names is written before it is made, so whatever moment
 * a crash comes at, `delete --force` finds it. On failure nothing is left, and the same id can be used again.
 */
export async function createOnDisk(
  context: LaunchContext,
  request: CreateRequest,
  { bundle, state, unit }: PlannedContainer,
  signal: AbortSignal,
): Promise<CreatedContainer> {
  // Closed last of all: undoing needs it.
  using connection = unit;
  if (!request.isForeground) context.reaper.leaveChildren();
  await using sockets = new Scope();
  const terminal = optionalSocket(sockets, request.consoleSocket);
  const pidfd = optionalSocket(sockets, request.pidfdSocket);
  await using scope = new Scope();
  const directory = ContainerDirectory.create(request.root, request.id);
  scope.defer(() => {
    directory.remove();
    directory.fd.close();
  });
  failpoint('runtime.directory');
  const isBrief = isRecordedOnce(request, bundle.spec, state);
  if (!isBrief) {
    directory.writeConfig(bundle.config);
    directory.write(state);
  }
  const listener = request.startsLater ? sockets.use(createStartSocket(directory.fd)) : undefined;
  let current = state;
  const handle = await createContainer(state.cgroup === undefined ? { ...context, cgroupRoot: undefined } : context, {
    containerId: request.id,
    spec: bundle.spec,
    rootfsPath: state.rootfs,
    cgroupPath: state.cgroup?.path ?? '',
    shownCgroup: state.cgroup === undefined && showsCallersCgroup(bundle.spec) ? callersCgroup() : undefined,
    join: {},
    signal,
    bundlePath: bundle.path,
    stdio: ownStdio(),
    preserved: request.preserved,
    deadlineMs: Infinity,
    noPivot: !request.hasPivot,
    noNewKeyring: !request.hasOwnKeyring,
    ...(listener === undefined ? {} : { gate: { listener } }),
    ...(connection === undefined ? {} : { unit: connection }),
    startsAtOnce: !request.startsLater,
    onClaimed: () => {
      if (!isBrief) directory.markClaimed();
    },
    onSpawned: () => {
      if (isBrief) directory.writeConfig(bundle.config);
    },
    onPrepared: (init) => {
      failpoint('runtime.prepared');
      current = { ...state, init };
      directory.write(current);
    },
  });
  scope.defer(() => handle.destroy());
  failpoint('runtime.created');
  handOver(request, handle, terminal, pidfd);
  if (request.startsLater) handle.detach();
  directory.clearClaimed();
  failpoint('runtime.detached');
  scope.commit();
  return { directory, state: current, handle };
}
