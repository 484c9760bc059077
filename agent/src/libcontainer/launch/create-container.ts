import { O_DIRECTORY, O_PATH } from '../../abi/constants.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { assertNever } from '../../base/assert-never.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import { namespaceTypes } from '../../oci/spec.ts';
import type { DeviceRule, NamespaceType, Resources, Spec } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, readText, stat, writeFile } from '../../sys/file.ts';
import { offload } from '../../sys/offload.ts';
import { Cgroup } from '../cgroup/cgroup.ts';
import { ownCgroupPath } from '../cgroup/cgroup-path.ts';
import { delegateUid } from '../cgroup/delegate-uid.ts';
import { ignoredSettings, settingThatNeedsCgroup } from '../cgroup/resource-plan.ts';
import { runHooks } from '../hooks/run-hooks.ts';
import type { HookRequest } from '../hooks/run-hooks.ts';
import { findResctrl, joinRdtGroup } from '../intel-rdt/rdt-group.ts';
import { planRdt } from '../intel-rdt/rdt-plan.ts';
import { moveNetDevices } from '../network/move-net-devices.ts';
import { compileContainer, timeOffsets } from '../plan/compile-container.ts';
import type { ContainerFacts } from '../plan/compile-container.ts';
import { runtimePoints } from '../plan/compile-hooks.ts';
import type { HookPlace } from '../plan/compile-hooks.ts';
import type { LaunchPlan } from '../plan/launch-plan.ts';
import { InheritedDescriptors } from '../plan/inherited-descriptors.ts';
import { openMountSources } from '../rootfs/mount-sources.ts';
import { loadFilter } from '../seccomp/load-filter.ts';
import { sendListener } from '../seccomp/send-listener.ts';
import { takeListener } from './take-listener.ts';
import type { ContainerHandle, CreateContainerConfig, LaunchContext, PinnedNamespace } from '../types.ts';
import { Container, removeWhenEmpty } from './container.ts';
import type { PinnedContainer } from './container.ts';
import { closeStdio, launchProcess } from './launch-process.ts';
import { openNamespace, openNamespaceOf } from './namespace-descriptor.ts';
import { hasKcore, hasPrivileges, processFacts } from './process-facts.ts';
import { recordEarly, recordInit } from './recorded-init.ts';
import type { RecordedInit } from './recorded-init.ts';
import { removeCreated } from './undo-created.ts';
import { checkIdMaps, grantUserNamespace, hostIdOf } from './user-namespace.ts';

/** Default of `deadlineMs`. */
const createDeadlineMs = 60_000;
/** Cleaning up after a failure must not hold the reply for long. */
const cleanUpMs = 5000;

const pinnedTypes: readonly PinnedNamespace[] = ['mount', 'uts', 'ipc', 'network', 'pid', 'cgroup', 'user'];

/** Opens the namespaces that the spec names by path; those the caller brought win. */
function openJoins(scope: Scope, config: CreateContainerConfig): Partial<Record<NamespaceType, Fd>> {
  const join: Partial<Record<NamespaceType, Fd>> = { ...config.join };
  for (const { type, path } of config.spec.linux.namespaces) {
    if (path !== undefined && join[type] === undefined) join[type] = scope.use(openNamespace(path, type));
  }
  return join;
}

/** Without cgroups a limit that must hold cannot be promised, and what no cgroup could do stays refused. */
function refuseLimits({ cgroupPolicy, log }: LaunchContext, resources: Resources): void {
  for (const setting of ignoredSettings(resources)) {
    if (cgroupPolicy?.isLenient === false) throw new DomainError('unimplemented', setting);
    log.warn('a resource setting has no effect', { setting });
  }
  const field = settingThatNeedsCgroup(resources);
  if (field === undefined) return;
  throw new DomainError('failed_precondition', `${field}: there is no cgroup v2 hierarchy to apply it in`);
}

/** The launch has killed its own child; this is for what a workload left. It needs a descriptor, of which there may be none (LIV-03). */
function killQuietly(cgroup: Cgroup): void {
  try {
    cgroup.kill();
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/** Undefined: there are no cgroups, or it is made later, around the process. */
function createCgroup(scope: Scope, context: LaunchContext, config: CreateContainerConfig): Cgroup | undefined {
  const { resources } = config.spec.linux;
  if (config.unit !== undefined) return undefined;
  if (context.cgroupRoot === undefined) {
    refuseLimits(context, resources);
    if (resources.devices.length > 0) {
      context.log.warn('device rules have no effect without a cgroup', { container: config.containerId });
    }
    return undefined;
  }
  const cgroup = Cgroup.create(context.cgroupRoot, config.cgroupPath, context.log, context.cgroupPolicy);
  // Before the first process is in it, so that there is no moment without limits (CGN-04).
  takeCgroup(scope, context, config, cgroup);
  if (!filtersDevicesLater(config.spec)) cgroup.applyDevices(resources, config.spec.linux.devices);
  return cgroup;
}

/**
 * True when the device rules can be compiled and loaded while the new process builds its root: nothing but our own code runs in it
 * before it is ready, and no rule forbids what that does, which is to make nodes and to open a terminal (CGN-06).
 */
function filtersDevicesLater({ hooks, linux }: Spec): boolean {
  // All devices at once, which both policies take as what holds for those that no other rule names.
  const isTotal = ({ type, major, minor, access }: DeviceRule): boolean =>
    type === 'a' &&
    major === undefined &&
    minor === undefined &&
    ['r', 'w', 'm'].every((letter) => access.includes(letter));
  const isHarmless = (rule: DeviceRule): boolean => rule.allow || isTotal(rule);
  return hooks.createContainer.length === 0 && linux.resources.devices.every(isHarmless);
}

/**
 * True when the process may be told to start before it is ready: it is completely recorded, and nothing is to be done with it in
 * between. Its own cgroup namespace it makes soon after it was born, and has made when it is no longer in ours.
 */
function startsEarly(spec: Spec, plan: LaunchPlan, { namespaces }: RecordedInit): boolean {
  if (spec.linux.intelRdt !== undefined || spec.hooks.startContainer.length > 0) return false;
  const moved = movedNamespaces(plan);
  if (moved.length === 0) return true;
  return moved.every((type) => type === 'cgroup') && namespaces.cgroup !== stat('/proc/self/ns/cgroup').ino;
}

/** Namespaces that the new process leaves by itself. */
function movedNamespaces({ steps }: LaunchPlan): readonly NamespaceType[] {
  return steps.flatMap((step): NamespaceType[] => {
    if (step.do === 'join-namespace') return namespaceTypes.filter((type) => type === step.type);
    if (step.do === 'cgroup-namespace') return ['cgroup'];
    return step.do === 'time-namespace' ? ['time'] : [];
  });
}

/** Makes a cgroup the container's: its limits, its owner, its end. */
function takeCgroup(scope: Scope, context: LaunchContext, config: CreateContainerConfig, cgroup: Cgroup): void {
  scope.defer(async () => {
    try {
      killQuietly(cgroup);
      await config.unit?.stop();
      await removeWhenEmpty(context.loop, cgroup, context.loop.now() + cleanUpMs, cleanUpMs);
    } finally {
      cgroup.close();
    }
  });
  cgroup.applyLimits(config.spec.linux.resources);
  const owner = delegateUid(config.spec);
  if (owner !== undefined) cgroup.delegate(owner);
}

/**
 * Has the service manager put the process into its unit's cgroup, and takes that over. The process has done nothing but to wait for
 * this, so what the container does is under its limits from the beginning here as well (CGN-04).
 */
async function enterUnit(
  scope: Scope,
  context: LaunchContext,
  config: CreateContainerConfig,
  pid: number,
  signal: AbortSignal,
): Promise<Cgroup> {
  const { unit, cgroupPath, spec, onClaimed } = config;
  const { cgroupRoot, log, cgroupPolicy } = context;
  if (unit === undefined || cgroupRoot === undefined) throw new Error('the plan asks for a unit without one');
  onClaimed?.();
  await unit.start(pid, spec.linux.resources, signal);
  let cgroup: Cgroup;
  try {
    const place = ownCgroupPath(readText(`/proc/${pid}/cgroup`));
    if (place !== cgroupPath) {
      const reason = `the process was put into ${place ?? 'no cgroup v2'} instead of ${cgroupPath}`;
      throw new DomainError('internal', reason);
    }
    cgroup = Cgroup.open(cgroupRoot, cgroupPath, log, cgroupPolicy);
  } catch (error) {
    await unit.stop();
    throw wrapError('cgroup of the unit', error);
  }
  takeCgroup(scope, context, config, cgroup);
  cgroup.applyDevices(spec.linux.resources, spec.linux.devices);
  return cgroup;
}

/** Opened while the child still runs our own code and cannot have gone anywhere (EXE-06). */
function pin(scope: Scope, pid: number): PinnedContainer {
  const entries = pinnedTypes.map((type) => [type, scope.use(openNamespaceOf(pid, type))] as const);
  const namespaces = Object.fromEntries(entries) as Record<PinnedNamespace, Fd>;
  return { namespaces, root: scope.use(open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY)) };
}

/** Facts for the plan. Nothing is made yet, and a spec that cannot be carried out is refused. */
function containerFacts(context: LaunchContext, config: CreateContainerConfig, place: HookPlace): ContainerFacts {
  const { rules, cgroupRoot } = context;
  const user = config.spec.linux.namespaces.find(({ type }) => type === 'user');
  const isPrivileged = hasPrivileges();
  return {
    ...processFacts(context),
    // Without rights the kernel takes a group map only where setgroups(2) is denied.
    setsGroups: isPrivileged || user === undefined,
    rootfsPath: config.rootfsPath,
    alwaysOwnCgroupNamespace: rules.ownCgroupNamespace === 'always' && cgroupRoot !== undefined,
    cgroupDirectory: cgroupRoot === undefined ? config.shownCgroup : `${cgroupRoot}${config.cgroupPath}`,
    hasKcore: hasKcore(),
    isPrivileged,
    refusesMissingSysctls: rules.refusesMissingSysctls,
    hooks: rules.hooks,
    place,
  };
}

/** Whose the pipes of stdio have to be: the process's, in ids of this side of its user namespace. */
function stdioOwner(spec: Spec): { uid: number; gid: number } | undefined {
  const { uidMappings, gidMappings } = spec.linux;
  const uid = hostIdOf(uidMappings, spec.process.user.uid);
  const gid = hostIdOf(gidMappings, spec.process.user.gid);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Before the first hook, which may want to see them, and the sysctls, which may be theirs. */
function giveNetDevices(pid: number, spec: Spec): void {
  if (spec.linux.netDevices.size === 0) return;
  using namespace = openNamespaceOf(pid, 'network');
  moveNetDevices(spec.linux.netDevices, namespace);
}

/** Puts init, and so all it starts, into its resctrl group; a group of its own goes away again when the launch fails. */
function joinRdt(scope: Scope, pid: number, containerId: string, spec: Spec): void {
  const { intelRdt } = spec.linux;
  if (intelRdt === undefined) return;
  const undo = joinRdtGroup(findResctrl(), planRdt(intelRdt, containerId), pid);
  scope.defer(undo);
}

/** Runs the hooks that belong between the mounts and the switch of the root. */
async function runRuntimeHooks(context: LaunchContext, spec: Spec, request: HookRequest): Promise<void> {
  for (const point of runtimePoints(spec, context.rules.hooks)) await runHooks(context, spec, point, request);
}

async function create(context: LaunchContext, config: CreateContainerConfig, place: HookPlace): Promise<Container> {
  const { containerId, spec, rootfsPath } = config;
  await using scope = new Scope();
  // Needed until the child has them, in success and failure alike.
  await using joined = new Scope();
  const join = openJoins(joined, config);
  const descriptors = new InheritedDescriptors<Fd>();
  const seccomp = await loadFilter(spec.linux.seccomp);
  const facts = { ...containerFacts(context, config, place), seccomp };
  const hasNewUser = join.user === undefined && spec.linux.uidMappings.length > 0;
  checkIdMaps(spec, facts.isPrivileged);
  const mountSources = facts.isPrivileged ? openMountSources(joined, spec, join.user) : new Map<number, Fd>();
  // Compiled before anything is made: a spec that cannot be compiled changes nothing.
  const { plan, cloneFlags, firstStage } = compileContainer(spec, facts, join, descriptors, {
    mountSources,
    rootSwitch: config.noPivot === true ? 'move' : 'pivot',
    keepsKeyring: config.noNewKeyring === true,
    entersCgroup: config.unit !== undefined,
  });
  let created: readonly string[] = [];
  scope.defer(async () => {
    if (created.length === 0) return;
    const remove = (): void => removeCreated(rootfsPath, created);
    await offload(context, `mount points of ${containerId}`, remove, { deadlineMs: cleanUpMs });
  });
  let cgroup = createCgroup(scope, context, config);
  if (config.unit === undefined) config.onClaimed?.();
  let early: RecordedInit | undefined;
  let isPrepared = false;
  const prepared = (pid: number): void => {
    if (isPrepared || config.onPrepared === undefined) return;
    isPrepared = true;
    config.onPrepared(recordInit(pid, early, movedNamespaces(plan)));
  };
  /** What need not wait for the new process, done while that builds its root. */
  const born = (pid: number): boolean => {
    if (filtersDevicesLater(spec)) cgroup?.applyDevices(spec.linux.resources, spec.linux.devices);
    if (config.onPrepared === undefined) return false;
    // With a first stage this is not yet the process that will be recorded.
    if (firstStage.length > 0) return false;
    early = recordEarly(pid);
    if (config.startsAtOnce !== true || early === undefined || !startsEarly(spec, plan, early)) return false;
    isPrepared = true;
    config.onPrepared(early);
    return true;
  };
  const { process, gate, isStarted } = await launchProcess(context, {
    plan,
    isTerminal: spec.process.terminal,
    isDumpable: !facts.isPrivileged && hasNewUser,
    cloneFlags,
    firstStage,
    cgroups: cgroup === undefined ? [] : [cgroup.directory],
    pidNamespace: join.pid,
    inherited: descriptors.sources,
    listener: config.gate?.listener,
    stdioOwner: facts.isPrivileged ? stdioOwner(spec) : undefined,
    config: takeListener(config, seccomp, (listener, pid) => {
      sendListener(spec, { ...place, pid, initPid: pid, status: 'creating' }, listener);
    }),
    deadlineMs: config.deadlineMs ?? createDeadlineMs,
    onNeed: async (need, pid, signal) => {
      switch (need) {
        case 'cgroup':
          cgroup = await enterUnit(scope, context, config, pid, signal);
          return;
        case 'id-maps':
          return grantUserNamespace(pid, spec, facts, hasNewUser);
        case 'time-offsets':
          return writeFile(`/proc/${pid}/timens_offsets`, timeOffsets(spec));
        case 'runtime-hooks':
          prepared(pid);
          giveNetDevices(pid, spec);
          return runRuntimeHooks(context, spec, { ...place, pid, signal });
        default:
          return assertNever(need);
      }
    },
    onCreated: (paths) => (created = paths),
    onBorn: born,
  });
  scope.defer(async () => {
    closeStdio(process.stdio);
    // The end of the stream tells the waiting child to leave; the cgroup's release kills it in any case.
    gate.close();
    if (cgroup === undefined) await process.waitExit(context.loop, cleanUpMs);
  });
  prepared(process.pid);
  joinRdt(scope, process.pid, containerId, spec);
  const pinned = context.rules.pinsNamespaces ? pin(scope, process.pid) : undefined;
  scope.commit();
  const sharesPids = join.pid !== undefined;
  const parts = { ...place, spec, init: process, gate, isStarted, pinned, cgroup, sharesPids, unit: config.unit };
  return new Container(context, parts);
}

/**
 * Creates a container from a spec that passed `validateSpec`: when it settles, the container's init process exists, sits in its
 * cgroup, has done everything but execve, and waits for `start()`. Rejects with a DomainError that names step, path and
 * errno; everything done is undone then, and the same id can be used again.
 */
export async function createContainer(context: LaunchContext, config: CreateContainerConfig): Promise<ContainerHandle> {
  const { containerId, spec, rootfsPath } = config;
  const bundle = config.bundlePath ?? rootfsPath.slice(0, rootfsPath.lastIndexOf('/'));
  const place: HookPlace = { id: containerId, bundle: bundle === '' ? '/' : bundle };
  const spawned: number[] = [];
  const onSpawned = (pid: number): void => {
    spawned.push(pid);
    config.onSpawned?.(pid);
  };
  try {
    return await create(context, { ...config, onSpawned }, place);
  } catch (error) {
    // A failure up to here ends the container's life in order: after it was taken away come its last hooks (runtime-spec, "Lifecycle").
    if (spawned.length > 0 && context.rules.hooks.failures === 'fatal') {
      await runHooks(context, spec, 'poststop', { ...place, pid: 0 });
    }
    if (error instanceof DomainError || isSysError(error)) throw wrapError(`container ${containerId}`, error);
    throw error;
  }
}
