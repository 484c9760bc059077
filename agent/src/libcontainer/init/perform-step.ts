import { CLONE_NEWCGROUP, MOUNT_ATTR_RDONLY, O_DIRECTORY, O_PATH } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { duplicateTo } from '../../sys/descriptor.ts';
import { joinNewSessionKeyring } from '../../sys/keyring.ts';
import { mountSetattr } from '../../sys/mount.ts';
import {
  chroot,
  fchdir,
  getpid,
  setNoNewPrivs,
  setdomainname,
  sethostname,
  setns,
  setsid,
  umask,
  unshare,
} from '../../sys/process.ts';
import { sendMessage } from '../../sys/socket.ts';
import { setControllingTerminal, setWindowSize } from '../../sys/terminal.ts';
import { applyCapabilities, cutBoundingSet, dropCapabilities } from '../capabilities/apply-capabilities.ts';
import { encodeMessage } from '../plan/handshake.ts';
import type { Step } from '../plan/launch-plan.ts';
import type { ProcessStep } from '../plan/process-steps.ts';
import { performProcessStep } from '../process/perform-process-step.ts';
import { attachRoot, propagationFlags, setGuestPropagation, tryFindRoot } from '../rootfs/attach-root.ts';
import { ContainerRoot } from '../rootfs/container-root.ts';
import { createDeviceLinks, createDevices } from '../rootfs/devices.ts';
import { makeReadonly, maskPaths } from '../rootfs/hide-paths.ts';
import { runMountStep } from '../rootfs/mount-step.ts';
import { moveRoot } from '../rootfs/move-root.ts';
import { switchRoot } from '../rootfs/pivot-root.ts';
import { openDetachedProcfs, writeProcfs } from '../rootfs/procfs.ts';
import { writeSysctls } from '../rootfs/sysctls.ts';
import { bindConsole, openContainerPty } from '../rootfs/terminal.ts';
import { installFilter } from '../seccomp/install-filter.ts';
import { goOnInside } from './go-on-inside.ts';
import { withLookedUp } from './looked-up-user.ts';
import { applyHardLimits, becomeUser, enterWorkingDirectory, ownStdio } from './identity-steps.ts';
import { requireRoot } from './init-state.ts';
import type { InitState } from './init-state.ts';
import { enterTimeNamespace, enterUserNamespace } from './namespace-steps.ts';
import { runHookBatch } from './run-hook-batch.ts';

function writeOomScore(value: number): void {
  using procfs = openDetachedProcfs();
  try {
    writeProcfs(procfs, `${getpid()}/oom_score_adj`, String(value));
  } catch (error) {
    if (!isSysError(error, 'EACCES', 'EPERM')) throw error;
    throw new DomainError(
      'permission_denied',
      `process.oomScoreAdj ${value}: lowering it takes CAP_SYS_RESOURCE`,
      error,
    );
  }
}

/** Opens the terminal, sends its master to the agent, and puts its slave on 0, 1 and 2. */
function setUpTerminal(state: InitState, step: Extract<Step, { do: 'terminal' }>): void {
  const root = requireRoot(state);
  const { master, slave } = openContainerPty(root, state.guestDevpts);
  if (step.size !== undefined) setWindowSize(master, step.size);
  sendMessage(state.sync, encodeMessage({ type: 'terminal' }), [master]);
  master.close();
  if (step.hasConsole) bindConsole(root, slave);
  for (const number of [0, 1, 2]) duplicateTo(slave, number);
  slave.close();
}

function enterRoot(state: InitState, descriptor: number): void {
  const fd = new Fd(descriptor, "the container's root");
  fchdir(fd);
  chroot('.');
  state.root = new ContainerRoot(fd);
}

function setReadonly(state: InitState, path: string): void {
  using place = requireRoot(state).openExact(path, O_PATH | O_DIRECTORY);
  mountSetattr(place, '', { set: MOUNT_ATTR_RDONLY });
}

function setRootPropagation(state: InitState, step: Extract<Step, { do: 'root-propagation' }>): void {
  const { kind, isRecursive } = step;
  mountSetattr(requireRoot(state).fd, '', { propagation: propagationFlags[kind], recursive: isRecursive });
}

function attach(state: InitState, step: Extract<Step, { do: 'attach-root' }>): void {
  if (state.root !== undefined) throw new DomainError('internal', 'the plan sets the root twice');
  state.root = attachRoot(step.path, step.keepsShared, state.rootPlace);
}

function startSession(_: InitState, step: Extract<Step, { do: 'session' }>): void {
  setsid();
  if (step.hasTerminal) setControllingTerminal(new Fd(0, 'terminal'));
}

/** What the caller has not got to give is a warning (config.md, "Linux Process"). */
function noteDenied(state: InitState, names: readonly string[]): void {
  if (names.length === 0) return;
  state.note(`process.capabilities: the container runtime itself does not have ${names.join(', ')}, so they stay out`);
}

type Performers = {
  readonly [Name in Step['do']]: (state: InitState, step: Extract<Step, { do: Name }>) => void;
};

function performOther(state: InitState, step: ProcessStep): void {
  performProcessStep(state, step, () => requireRoot(state));
}

/** By name, and not as cases: a launch has 30 steps, and the interpreter compares a string with one case after the other. */
const performers: Performers = {
  'session-keyring': joinNewSessionKeyring,
  'join-namespace': (_, step) => setns(new Fd(step.descriptor, `${step.type} namespace`), step.flag),
  'go-on-inside': (state, step) => goOnInside(state, step.closes),
  'cgroup-namespace': () => unshare(CLONE_NEWCGROUP),
  'user-namespace': enterUserNamespace,
  'time-namespace': (state, step) => enterTimeNamespace(state, step.isShifted),
  cgroup: (state) => state.need('cgroup'),
  'runtime-hooks': (state) => state.need('runtime-hooks'),
  hooks: (state, step) => runHookBatch(step.batch, (text) => state.note(text)),
  'oom-score': (_, step) => writeOomScore(step.value),
  hostname: (_, step) => sethostname(step.name),
  domainname: (_, step) => setdomainname(step.name),
  rlimits: (state, step) => applyHardLimits(state, step.limits),
  propagation: (_, step) => setGuestPropagation(step.kind),
  'find-root': (state, step) => void (state.rootPlace = tryFindRoot(step.path)),
  'attach-root': attach,
  mount: (state, step) => runMountStep(requireRoot(state), step),
  devices: (state, step) => createDevices(requireRoot(state), step.nodes),
  'device-links': (state, step) => createDeviceLinks(requireRoot(state), step.links),
  terminal: setUpTerminal,
  'pivot-root': (state) => switchRoot(requireRoot(state)),
  'move-root': (state) => moveRoot(requireRoot(state)),
  'root-propagation': setRootPropagation,
  'enter-root': (state, step) => enterRoot(state, step.descriptor),
  sysctls: (_, step) => writeSysctls(step.entries, step.missing),
  'create-directory': (state, step) => requireRoot(state).ensure(step.path, 'directory').close(),
  'masked-paths': (state, step) => maskPaths(requireRoot(state), step.paths, step.label),
  'readonly-paths': (state, step) => makeReadonly(requireRoot(state), step.paths),
  'readonly-mount': (state, step) => setReadonly(state, step.path),
  'readonly-root': (state) => mountSetattr(requireRoot(state).fd, '', { set: MOUNT_ATTR_RDONLY }),
  session: startSession,
  'working-directory': (state, step) => enterWorkingDirectory(requireRoot(state), step.path),
  umask: (_, step) => void umask(step.mask),
  'stdio-owner': (state, step) => ownStdio(state.user?.uid ?? step.uid),
  'bounding-set': (_, step) => cutBoundingSet(step.capabilities),
  user: (state, step) => becomeUser(withLookedUp(step, state.user)),
  'no-new-privileges': setNoNewPrivs,
  capabilities: (state, step) => noteDenied(state, applyCapabilities(step.sets, step.kept)),
  'drop-capabilities': (_, step) => dropCapabilities(step.capabilities),
  seccomp: installFilter,
  inherited: performOther,
  affinity: performOther,
  scheduler: performOther,
  'io-priority': performOther,
  personality: performOther,
  'memory-policy': performOther,
  'security-label': performOther,
  'keyring-label': performOther,
  loopback: performOther,
  'look-up-user': performOther,
};

/** Carries out one step of the plan, synchronously. */
export function performStep(state: InitState, step: Step): void {
  (performers[step.do] as (state: InitState, step: Step) => void)(state, step);
}
