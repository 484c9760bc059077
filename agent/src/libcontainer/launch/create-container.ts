import { O_DIRECTORY, O_PATH } from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { NamespaceType, Resources } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { open } from '../../sys/file.ts';
import { openMountSources } from '../rootfs/mount-sources.ts';
import { offload } from '../../sys/offload.ts';
import { Cgroup } from '../cgroup/cgroup.ts';
import { planResources } from '../cgroup/resource-plan.ts';
import { compileContainer } from '../plan/compile-container.ts';
import { InheritedDescriptors } from '../plan/inherited-descriptors.ts';
import type { ContainerHandle, CreateContainerConfig, LaunchContext, PinnedNamespace } from '../types.ts';
import { Container, removeWhenEmpty } from './container.ts';
import { closeStdio, launchProcess } from './launch-process.ts';
import { openNamespace, openNamespaceOf } from './namespace-descriptor.ts';
import { hasKcore, processFacts } from './process-facts.ts';
import { removeCreated } from './undo-created.ts';

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

/** Without cgroups a limit that must hold cannot be promised. */
function refuseLimits(resources: Resources): void {
  const must = planResources(resources, { cpuMax: undefined }).find(({ need }) => need !== 'should');
  if (must !== undefined) {
    throw new DomainError('failed_precondition', `${must.field}: there is no cgroup v2 hierarchy to apply it in`);
  }
}

/** The launch has killed its own child; this is for what a workload left. It needs a descriptor, of which there may be none (LIV-03). */
function killQuietly(cgroup: Cgroup): void {
  try {
    cgroup.kill();
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

function createCgroup(scope: Scope, context: LaunchContext, config: CreateContainerConfig): Cgroup | undefined {
  const { resources } = config.spec.linux;
  if (context.cgroupRoot === undefined) {
    refuseLimits(resources);
    return undefined;
  }
  const cgroup = Cgroup.create(context.cgroupRoot, config.cgroupPath, context.log);
  scope.defer(async () => {
    try {
      killQuietly(cgroup);
      await removeWhenEmpty(context.loop, cgroup, context.loop.now() + cleanUpMs, cleanUpMs);
    } finally {
      cgroup.close();
    }
  });
  // Before the first process is in it, so that there is no moment without limits (CGN-04).
  cgroup.apply(resources);
  return cgroup;
}

/** Opened while the child still runs our own code and cannot have gone anywhere (EXE-06). */
function pin(scope: Scope, pid: number): { namespaces: Record<PinnedNamespace, Fd>; root: Fd } {
  const entries = pinnedTypes.map((type) => [type, scope.use(openNamespaceOf(pid, type))] as const);
  const namespaces = Object.fromEntries(entries) as Record<PinnedNamespace, Fd>;
  return { namespaces, root: scope.use(open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY)) };
}

async function create(context: LaunchContext, config: CreateContainerConfig): Promise<Container> {
  const { containerId, spec, rootfsPath } = config;
  await using scope = new Scope();
  // Needed until the child has them, in success and failure alike.
  await using joined = new Scope();
  const join = openJoins(joined, config);
  const descriptors = new InheritedDescriptors<Fd>();
  const hasCgroup = context.cgroupRoot !== undefined;
  const facts = { ...processFacts(context), rootfsPath, hasCgroup, hasKcore: hasKcore() };
  // Compiled before anything is made: a spec that cannot be compiled changes nothing.
  const mountSources = openMountSources(joined, spec, join.user);
  const { plan, cloneFlags } = compileContainer(spec, facts, join, descriptors, { mountSources });
  let created: readonly string[] = [];
  scope.defer(async () => {
    if (created.length === 0) return;
    const remove = (): void => removeCreated(rootfsPath, created);
    await offload(context, `mount points of ${containerId}`, remove, { deadlineMs: cleanUpMs });
  });
  const cgroup = createCgroup(scope, context, config);
  const { process, gate } = await launchProcess(context, {
    plan,
    isTerminal: spec.process.terminal,
    cloneFlags,
    cgroups: cgroup === undefined ? [] : [cgroup.directory],
    pidNamespace: join.pid,
    inherited: descriptors.sources,
    deadlineMs: config.deadlineMs ?? createDeadlineMs,
    signal: config.signal,
    onCreated: (paths) => (created = paths),
  });
  scope.defer(async () => {
    closeStdio(process.stdio);
    // The end of the stream tells the waiting child to leave; the cgroup's release kills it in any case.
    gate.close();
    if (cgroup === undefined) await process.waitExit(context.loop, cleanUpMs);
  });
  const { namespaces, root } = pin(scope, process.pid);
  scope.commit();
  return new Container(context.loop, { id: containerId, spec, init: process, gate, namespaces, root, cgroup });
}

/**
 * Creates a container from a spec that passed `validateSpec`: when it settles, the container's init process exists, sits in its
 * cgroup, has done everything but execve, and waits for `start()`. Rejects with a DomainError that names step, path and
 * errno; everything done is undone then, and the same id can be used again.
 */
export async function createContainer(context: LaunchContext, config: CreateContainerConfig): Promise<ContainerHandle> {
  try {
    return await create(context, config);
  } catch (error) {
    if (error instanceof DomainError || isSysError(error)) throw wrapError(`container ${config.containerId}`, error);
    throw error;
  }
}
