import { CLONE_NEWCGROUP, MOUNT_ATTR_RDONLY, O_DIRECTORY, O_PATH } from '../../abi/constants.ts';
import { assertNever } from '../../base/assert-never.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { duplicateTo } from '../../sys/file.ts';
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

/** What the caller has not got to give is a warning (config.md, "Linux Process"). */
function noteDenied(state: InitState, names: readonly string[]): void {
  if (names.length === 0) return;
  state.note(`process.capabilities: the container runtime itself does not have ${names.join(', ')}, so they stay out`);
}

/** Carries out one step of the plan, synchronously. */
export function performStep(state: InitState, step: Step): void {
  switch (step.do) {
    case 'session-keyring':
      return joinNewSessionKeyring();
    case 'join-namespace':
      return setns(new Fd(step.descriptor, `${step.type} namespace`), step.flag);
    case 'go-on-inside':
      return goOnInside(state, step.closes);
    case 'cgroup-namespace':
      return unshare(CLONE_NEWCGROUP);
    case 'user-namespace':
      return enterUserNamespace(state, step);
    case 'time-namespace':
      return enterTimeNamespace(state, step.isShifted);
    case 'cgroup':
      return state.need('cgroup');
    case 'runtime-hooks':
      return state.need('runtime-hooks');
    case 'hooks':
      return runHookBatch(step.batch, (text) => state.note(text));
    case 'oom-score':
      return writeOomScore(step.value);
    case 'hostname':
      return sethostname(step.name);
    case 'domainname':
      return setdomainname(step.name);
    case 'rlimits':
      return applyHardLimits(state, step.limits);
    case 'propagation':
      return setGuestPropagation(step.kind);
    case 'find-root':
      state.rootPlace = tryFindRoot(step.path);
      return;
    case 'attach-root':
      return attach(state, step);
    case 'mount':
      return runMountStep(requireRoot(state), step);
    case 'devices':
      return createDevices(requireRoot(state), step.nodes);
    case 'device-links':
      return createDeviceLinks(requireRoot(state), step.links);
    case 'terminal':
      return setUpTerminal(state, step);
    case 'pivot-root':
      return switchRoot(requireRoot(state));
    case 'move-root':
      return moveRoot(requireRoot(state));
    case 'root-propagation':
      return setRootPropagation(state, step);
    case 'enter-root':
      return enterRoot(state, step.descriptor);
    case 'sysctls':
      return writeSysctls(step.entries, step.missing);
    case 'create-directory':
      return requireRoot(state).ensure(step.path, 'directory').close();
    case 'masked-paths':
      return maskPaths(requireRoot(state), step.paths);
    case 'readonly-paths':
      return makeReadonly(requireRoot(state), step.paths);
    case 'readonly-mount':
      return setReadonly(state, step.path);
    case 'readonly-root':
      return mountSetattr(requireRoot(state).fd, '', { set: MOUNT_ATTR_RDONLY });
    case 'session':
      setsid();
      if (step.hasTerminal) setControllingTerminal(new Fd(0, 'terminal'));
      return;
    case 'working-directory':
      return enterWorkingDirectory(requireRoot(state), step.path);
    case 'umask':
      umask(step.mask);
      return;
    case 'stdio-owner':
      return ownStdio(state.user?.uid ?? step.uid);
    case 'bounding-set':
      return cutBoundingSet(step.capabilities);
    case 'user':
      return becomeUser(withLookedUp(step, state.user));
    case 'no-new-privileges':
      return setNoNewPrivs();
    case 'capabilities':
      return noteDenied(state, applyCapabilities(step.sets, step.kept));
    case 'drop-capabilities':
      return dropCapabilities(step.capabilities);
    case 'seccomp':
      return installFilter(state, step);
    case 'inherited':
    case 'affinity':
    case 'scheduler':
    case 'io-priority':
    case 'personality':
    case 'memory-policy':
    case 'security-label':
    case 'keyring-label':
    case 'loopback':
    case 'look-up-user':
      return performProcessStep(state, step, () => requireRoot(state));
    default:
      return assertNever(step);
  }
}
