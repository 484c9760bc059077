import { DomainError, describeError, invalidArgument, wrapError } from '../base/errors.ts';
import type { AbortSignal } from '../base/abort.ts';
import { neverAborted } from '../base/abort.ts';
import type { Logger } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import type { AttachedDevice } from '../guest/device/attached-device.ts';
import type { PreparedDevices } from './devices/prepare-devices.ts';
import type { Storage, StorageContext } from '../guest/storage/storage.ts';
import type { StorageRegistry } from '../guest/storage/storage-registry.ts';
import { resolveCgroupPath } from '../libcontainer/cgroup/cgroup-path.ts';
import { startExec } from '../libcontainer/exec/start-exec.ts';
import type { GuestHooks } from '../libcontainer/hooks/guest-hooks.ts';
import { runHooks } from '../libcontainer/hooks/run-hooks.ts';
import { createContainer } from '../libcontainer/launch/create-container.ts';
import { closeStdio } from '../libcontainer/launch/launch-process.ts';
import { securityModules } from '../libcontainer/launch/security-modules.ts';
import type { ContainerHandle, ContainerStatus, LaunchContext, NamespaceDescriptors } from '../libcontainer/types.ts';
import type { ProcessSpec, Resources, Spec } from '../oci/spec.ts';
import { validateProcess } from '../oci/validate-process.ts';
import { validateSpec } from '../oci/validate.ts';
import { findBundleRoot, removeEmptyBundle } from './bundle.ts';
import type { Fd } from '../sys/fd.ts';
import { duplicate } from '../sys/file.ts';
import { FileWatcher } from '../sys/inotify.ts';
import { Container, notFound } from './container.ts';
import { EventQueue } from './event-queue.ts';
import { checkContainerId, checkExecId } from './identifiers.ts';
import { withoutHostProfile } from './host-profile.ts';
import { containerNamespaces } from './namespaces.ts';
import { monitorOom } from './oom-monitor.ts';
import type { PassfdListener } from './passfd/passfd-listener.ts';
import type { StdioPorts } from './process-streams.ts';
import type { SharedMount } from './shared-mount.ts';
import type { JoinStreams } from './sandbox-process.ts';
import { createSharedNamespaces } from './shared-namespaces.ts';
import type { SharedNamespaces } from './shared-namespaces.ts';

/** OOM events that wait for a poll (lifecycle 3.3). */
const MAX_OOM_EVENTS = 100;
/** Containers in one sandbox; each keeps about 15 descriptors. */
const MAX_CONTAINERS = 1024;

/** Services the sandbox works with. */
export interface SandboxServices {
  readonly launch: LaunchContext;
  readonly log: Logger;
  readonly storages: StorageRegistry;
  readonly storageContext: (containerId: string | undefined, signal: AbortSignal) => StorageContext;
  /** Waits for devices of the host and puts what they are in this guest into the spec. */
  readonly prepareDevices: (
    spec: Spec,
    devices: readonly AttachedDevice[],
    signal: AbortSignal,
  ) => Promise<PreparedDevices>;
  /** Puts in what the guest's CDI documents say about devices that the container names; the same spec when it names none. */
  readonly injectCdi: (spec: Spec, signal: AbortSignal) => Promise<Spec>;
  /** Where the host hands over streams of processes; undefined: it does not. */
  readonly passfd: PassfdListener | undefined;
}

export interface CreateSandboxConfig {
  readonly sandboxId: string;
  readonly hostname: string;
  readonly storages: readonly Storage[];
  /** Folder of the guest's image with hooks for every container; empty: none. */
  readonly guestHookPath: string;
}

export interface CreateContainerConfig {
  readonly containerId: string;
  readonly spec: Spec;
  /** Devices that the host attached to the VM for it. */
  readonly devices: readonly AttachedDevice[];
  readonly storages: readonly Storage[];
  /** Join the pid namespace of the sandbox's first container. */
  readonly sharesPidNamespace: boolean;
  /** Mounts of other containers that this one is to see. */
  readonly sharedMounts: readonly SharedMount[];
  /** Connections that are to be init's streams. */
  readonly ports: StdioPorts;
}

/** Connections that were taken and wait for their process. */
interface HeldConnections {
  readonly close: () => void;
  readonly join: JoinStreams;
}

/** What one VM hosts: containers, and the namespaces and storages they share. */
export class Sandbox {
  readonly oomEvents = new EventQueue<string>(MAX_OOM_EVENTS);
  readonly #services: SandboxServices;
  readonly #files: FileWatcher;
  readonly #containers = new Map<string, Container>();
  #id = '';
  #namespaces: SharedNamespaces | undefined;
  #guestHooks: GuestHooks | undefined;
  /** Held open apart from its container, so that later ones can join it after the first is gone. */
  #first: Container | undefined;
  #isDestroyed = false;
  /** True while the last containers are removed: no new one may come, or it would be left behind. */
  #isEnding = false;

  constructor(services: SandboxServices) {
    this.#services = services;
    this.#files = new FileWatcher(services.launch.loop);
  }

  get id(): string {
    return this.#id;
  }

  /** Ids of the containers, those being created included. */
  get containerIds(): string[] {
    return [...this.#containers.keys()];
  }

  /** Everything that can be refused before anything is touched; a caller with work of its own to do first asks this first. */
  checkCreate(config: CreateSandboxConfig): void {
    this.#refuseWhenDestroyed();
    if (config.sandboxId !== '') checkContainerId(config.sandboxId, 'sandbox_id');
    if (config.hostname.length > 64) throw invalidArgument('hostname', 'at most 64 characters are allowed');
    this.#services.storages.check(config.storages);
  }

  /**
   * CreateSandbox. Called again, it takes the new name and adds the new storages; nothing that is there is deleted (LIV-14). A failure gives
   * back what this call acquired.
   */
  async create(config: CreateSandboxConfig, signal: AbortSignal): Promise<void> {
    this.checkCreate(config);
    await using undo = new Scope();
    const context = this.#services.storageContext(undefined, signal);
    const mountPoints = await this.#services.storages.acquire(config.storages, context);
    undo.defer(() =>
      this.#services.storages.release(mountPoints, this.#services.storageContext(undefined, neverAborted)),
    );
    // The sandbox may have been destroyed meanwhile, and nobody would give these back any more.
    this.#refuseWhenDestroyed();
    const namespaces = createSharedNamespaces(this.#services.launch.reaper, config.hostname);
    this.#namespaces?.close();
    this.#namespaces = namespaces;
    if (config.sandboxId !== '') this.#id = config.sandboxId;
    if (config.guestHookPath !== '') {
      const { findGuestHooks } = await import('../libcontainer/hooks/guest-hooks.ts');
      this.#guestHooks = findGuestHooks(config.guestHookPath, this.#services.log);
    }
    undo.commit();
  }

  /** The container with this id; `not_found` when there is none. */
  container(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw notFound(id);
    return container;
  }

  /** CreateContainer: afterwards init sits in its cgroup and waits for `start`. A failure leaves nothing, and the id is free again. */
  async createContainer(config: CreateContainerConfig, signal: AbortSignal): Promise<void> {
    this.#refuseWhenDestroyed();
    checkContainerId(config.containerId);
    // Registered in this very turn otherwise: a call that follows on the wire must find the container.
    if (this.#containers.get(config.containerId)?.isGivenUp === true)
      await this.#rolledBack(config.containerId, signal);
    if (this.#containers.has(config.containerId))
      throw new DomainError('already_exists', `container ${config.containerId} already exists`);
    if (this.#containers.size >= MAX_CONTAINERS)
      throw new DomainError('resource_exhausted', `the sandbox has ${MAX_CONTAINERS} containers`);
    const spec = this.#amend(config.spec);
    for (const warning of validateSpec(spec)) this.#services.log.warn(warning, { cid: config.containerId });
    await using joined = new Scope();
    const join = this.#joined(joined, spec, config.sharesPidNamespace);
    const cgroupPath = resolveCgroupPath(spec.linux.cgroupsPath, config.containerId);
    const container = new Container(this.#services.launch.loop, config.containerId, signal);
    this.#containers.set(config.containerId, container);
    try {
      await container.queue.run(() => this.#createContainer(container, config, spec, join, cgroupPath, signal));
    } catch (error) {
      this.#containers.delete(config.containerId);
      throw wrapError(`create container ${config.containerId}`, error);
    }
  }

  /** A caller whose deadline was over may try again at once: the new attempt waits until nothing is left of the old one. */
  async #rolledBack(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const earlier = this.#containers.get(id);
      if (earlier?.isGivenUp !== true) return;
      await earlier.queue.run(async () => undefined);
      signal.throwIfAborted();
      this.#refuseWhenDestroyed();
    }
  }

  async #createContainer(
    container: Container,
    config: CreateContainerConfig,
    spec: Spec,
    join: NamespaceDescriptors,
    cgroupPath: string,
    signal: AbortSignal,
  ): Promise<void> {
    await using undo = new Scope();
    const { storages } = this.#services;
    const connections = await this.#takeConnections(config.ports);
    undo.defer(() => connections?.close());
    // Storages may lie on these devices.
    const guestSpec = await this.#withCdi(await this.#withDevices(container, spec, config.devices, signal), signal);
    const context = this.#services.storageContext(container.id, signal);
    container.storages = await storages.acquire(config.storages, context);
    undo.defer(() => this.#releaseStorages(container));
    const handle = await createContainer(this.#services.launch, {
      containerId: container.id,
      spec: await this.#withGuestHooks(guestSpec),
      rootfsPath: findBundleRoot(container.id) ?? spec.root.path,
      cgroupPath,
      join,
      signal,
    });
    undo.defer(() => handle.destroy());
    await this.#attachSharedMounts(config.sharedMounts, handle, signal);
    container.created(handle, connections?.join);
    this.#first ??= container;
    undo.commit();
  }

  async #withCdi(spec: Spec, signal: AbortSignal): Promise<Spec> {
    const edited = await this.#services.injectCdi(spec, signal);
    // Its warnings were told already.
    if (edited !== spec) validateSpec(edited);
    return edited;
  }

  async #withGuestHooks(spec: Spec): Promise<Spec> {
    if (this.#guestHooks === undefined) return spec;
    return (await import('../libcontainer/hooks/guest-hooks.ts')).withGuestHooks(spec, this.#guestHooks);
  }

  async #attachSharedMounts(
    mounts: readonly SharedMount[],
    target: ContainerHandle,
    signal: AbortSignal,
  ): Promise<void> {
    if (mounts.length === 0) return;
    const { attachSharedMounts, containerName } = await import('./shared-mounts.ts');
    const find = (name: string): ContainerHandle | undefined =>
      [...this.#containers.values()].find(
        (container) => container.isCreated && containerName(container.handle.spec) === name,
      )?.handle;
    try {
      await attachSharedMounts(this.#services.launch, mounts, target, find, signal);
    } catch (error) {
      // Nobody has taken them over yet.
      closeStdio(target.init.stdio);
      throw error;
    }
  }

  /** The spec with the guest's devices in the place of the host's. */
  async #withDevices(
    container: Container,
    spec: Spec,
    devices: readonly AttachedDevice[],
    signal: AbortSignal,
  ): Promise<Spec> {
    if (devices.length === 0) return spec;
    const prepared = await this.#services.prepareDevices(spec, devices, signal);
    container.rewriteEnvironment = prepared.rewriteEnvironment;
    // Its warnings were told already.
    validateSpec(prepared.spec);
    return prepared.spec;
  }

  /** Gives back what a container had mounted, and the folder that mounts below its name made. Never fails. */
  async #releaseStorages(container: Container): Promise<void> {
    const context = this.#services.storageContext(container.id, neverAborted);
    await this.#services.storages.release(container.storages, context);
    removeEmptyBundle(container.id);
  }

  /** StartContainer. */
  startContainer(id: string, signal: AbortSignal): Promise<void> {
    const container = this.container(id);
    return container.queue.run(async () => {
      signal.throwIfAborted();
      this.#isCurrent(container);
      const { handle } = container;
      const { cgroup } = handle;
      // Before init runs, so that a process that dies at once is seen; never for the sandbox's own (pause) container.
      if (cgroup !== undefined && id !== this.#id && container.watchers.length === 0)
        container.watchers.push(monitorOom(this.#files, cgroup.directory, () => this.oomEvents.push(id)));
      handle.start();
      await this.#runHooks(handle, 'poststart', handle.status);
    });
  }

  /** ExecProcess: the process runs when this settles. */
  async exec(
    containerId: string,
    execId: string,
    request: ProcessSpec,
    ports: StdioPorts,
    signal: AbortSignal,
  ): Promise<void> {
    checkExecId(execId);
    validateProcess(request);
    const container = this.container(containerId);
    const env = container.rewriteEnvironment?.(request.env) ?? request.env;
    const process = withoutHostProfile({ ...request, env }, securityModules, this.#services.log);
    container.reserve(execId);
    let started: Awaited<ReturnType<typeof startExec>> | undefined;
    let connections: HeldConnections | undefined;
    try {
      connections = await this.#takeConnections(ports);
      await container.queue.run(async () => {
        this.#isCurrent(container);
        signal.throwIfAborted();
        started = await startExec(this.#services.launch, container.handle, { execId, process, signal });
      });
    } catch (error) {
      connections?.close();
      throw wrapError(`exec ${execId} in container ${containerId}`, error);
    } finally {
      container.settle(execId, started, connections?.join);
    }
  }

  /** The host's connections for a process; undefined when it named none, or when it cannot hand any over. */
  async #takeConnections(ports: StdioPorts): Promise<HeldConnections | undefined> {
    const { passfd, launch } = this.#services;
    if (passfd === undefined || (ports.stdin === 0 && ports.stdout === 0 && ports.stderr === 0)) return undefined;
    const { closeConnections, joinStreams } = await import('./passfd/passfd-streams.ts');
    const connections = await passfd.take(ports);
    return {
      close: () => closeConnections(connections),
      join: (process) => joinStreams(launch.loop, process.stdio, connections),
    };
  }

  pauseContainer(id: string, signal: AbortSignal): Promise<void> {
    const container = this.container(id);
    return container.queue.run(async () => {
      signal.throwIfAborted();
      this.#isCurrent(container);
      container.handle.pause();
    });
  }

  resumeContainer(id: string, signal: AbortSignal): Promise<void> {
    const container = this.container(id);
    return container.queue.run(async () => {
      signal.throwIfAborted();
      this.#isCurrent(container);
      container.handle.resume();
    });
  }

  updateContainer(id: string, resources: Resources, signal: AbortSignal): Promise<void> {
    const container = this.container(id);
    return container.queue.run(async () => {
      signal.throwIfAborted();
      this.#isCurrent(container);
      container.handle.update(resources);
    });
  }

  /**
   * RemoveContainer, in any state. Its processes are killed before it waits its turn, so a call that hangs inside the container cannot
   * hold it up. After a failure the container stays registered and the call may be repeated.
   */
  async removeContainer(id: string, timeoutMs: number | undefined): Promise<void> {
    const container = this.container(id);
    if (container.isCreated) container.handle.killAll();
    await container.queue.run(async () => {
      this.#isCurrent(container);
      const { handle } = container;
      const before = handle.status;
      await handle.destroy(timeoutMs);
      container.gone();
      // Exit statuses reach the waiters before the processes are forgotten.
      await handle.init.exit;
      await this.#runHooks(handle, 'poststop', before);
      container.close();
      await this.#releaseStorages(container);
      // The id is free when nothing is left: a new container of that name would find its bundle taken away.
      this.#containers.delete(id);
    });
  }

  /** Hooks after the fact, which fail nothing; each has a deadline. */
  #runHooks(handle: ContainerHandle, point: 'poststart' | 'poststop', status: ContainerStatus): Promise<void> {
    const { id, bundle, spec, init } = handle;
    return runHooks(this.#services.launch, spec, point, { id, bundle, status, pid: init.pid });
  }

  /** DestroySandbox: removes every container; the first failure stops it, and it may be repeated. */
  async destroy(): Promise<void> {
    this.#refuseWhenDestroyed();
    this.#isEnding = true;
    try {
      for (const id of this.containerIds) {
        // One that is still being created is waited for.
        await this.#containers.get(id)?.queue.run(async () => undefined);
        await this.#removeIfThere(id);
      }
    } catch (error) {
      this.#isEnding = false;
      throw error;
    }
    this.#isDestroyed = true;
    this.oomEvents.close();
    this.#namespaces?.close();
    this.#namespaces = undefined;
  }

  /** Removes a container that may be removed by somebody else meanwhile: that it is gone is all that is wanted. */
  async #removeIfThere(id: string): Promise<void> {
    if (!this.#containers.has(id)) return;
    try {
      await this.removeContainer(id, undefined);
    } catch (error) {
      if (this.#containers.has(id)) throw error;
    }
  }

  /** The end of the agent as a plain process: the same, and every storage is unmounted; failures are logged and nothing stops it. */
  async shutDown(): Promise<void> {
    this.#isEnding = true;
    for (const id of this.containerIds) {
      try {
        await this.#removeIfThere(id);
      } catch (error) {
        this.#services.log.error('remove container at the end', { cid: id, error: describeError(error) });
      }
    }
    if (!this.#isDestroyed) this.oomEvents.close();
    await this.#services.storages.releaseAll(this.#services.storageContext(undefined, neverAborted));
  }

  #amend(spec: Spec): Spec {
    const namespaces = containerNamespaces(spec);
    // The host name of the sandbox's namespace is the sandbox's (lifecycle section 8).
    const isShared = this.#namespaces !== undefined && namespaces.some((namespace) => namespace.type === 'uts');
    return {
      ...spec,
      process: withoutHostProfile(spec.process, securityModules, this.#services.log),
      hostname: isShared ? undefined : spec.hostname,
      linux: { ...spec.linux, namespaces },
    };
  }

  /**
   * The sandbox's namespaces that a container joins. A creation takes its time, and meanwhile CreateSandbox may replace them or the
   * first container go, so it has descriptors of its own.
   */
  #joined(scope: Scope, spec: Spec, sharesPid: boolean): NamespaceDescriptors {
    const has = (type: string): boolean => spec.linux.namespaces.some((namespace) => namespace.type === type);
    const shared = this.#namespaces;
    const first = sharesPid ? this.#first : undefined;
    if (first !== undefined && !(first.isCreated && first.handle.namespaces.pid.isOpen))
      throw new DomainError('failed_precondition', 'sandbox_pidns: the first container is gone');
    const own = (fd: Fd): Fd => scope.use(duplicate(fd));
    return {
      ...(shared !== undefined && has('ipc') ? { ipc: own(shared.ipc) } : {}),
      ...(shared !== undefined && has('uts') ? { uts: own(shared.uts) } : {}),
      ...(first !== undefined ? { pid: own(first.handle.namespaces.pid) } : {}),
    };
  }

  /** State is looked at again after every wait: the container may have been removed while this call was queued. */
  #isCurrent(container: Container): void {
    if (this.#containers.get(container.id) !== container) throw notFound(container.id);
  }

  #refuseWhenDestroyed(): void {
    if (this.#isDestroyed) throw new DomainError('internal', 'the sandbox was destroyed');
    if (this.#isEnding) throw new DomainError('internal', 'the sandbox is being destroyed');
  }
}
