import { DomainError, describeError, invalidArgument, wrapError } from '../base/errors.ts';
import type { AbortSignal } from '../base/abort.ts';
import { neverAborted } from '../base/abort.ts';
import { Scope } from '../base/scope.ts';
import { resolveCgroupPath } from '../libcontainer/cgroup/cgroup-path.ts';
import { startExec } from '../libcontainer/exec/start-exec.ts';
import type { GuestHooks } from '../libcontainer/hooks/guest-hooks.ts';
import { runHooks } from '../libcontainer/hooks/run-hooks.ts';
import { securityModules } from '../libcontainer/launch/security-modules.ts';
import type { ContainerHandle, ContainerStatus, NamespaceDescriptors } from '../libcontainer/types.ts';
import type { ProcessSpec, Resources, Spec } from '../oci/spec.ts';
import { validateProcess } from '../oci/validate-process.ts';
import { validateSpec } from '../oci/validate.ts';
import type { Fd } from '../sys/fd.ts';
import { duplicate } from '../sys/descriptor.ts';
import { FileWatcher } from '../sys/inotify.ts';
import { buildContainer, releaseStorages } from './build-container.ts';
import { Container, notFound } from './container.ts';
import type { CreateContainerConfig, CreateSandboxConfig } from './create-config.ts';
import { EventQueue } from './event-queue.ts';
import { checkContainerId, checkExecId } from './identifiers.ts';
import { withoutHostProfile } from './host-profile.ts';
import { containerNamespaces } from './namespaces.ts';
import { monitorOom } from './oom-monitor.ts';
import { takeConnections } from './passfd/take-connections.ts';
import type { HeldConnections } from './passfd/take-connections.ts';
import type { StdioPorts } from './process-streams.ts';
import type { SandboxServices } from './sandbox-services.ts';
import { createSharedNamespaces } from './shared-namespaces.ts';
import type { SharedNamespaces } from './shared-namespaces.ts';

/** OOM events that wait for a poll (lifecycle 3.3). */
const MAX_OOM_EVENTS = 100;
/** Containers in one sandbox; each keeps about 15 descriptors. */
const MAX_CONTAINERS = 1024;

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
      await container.queue.run(async () => {
        const surroundings = {
          services: this.#services,
          guestHooks: () => this.#guestHooks,
          join,
          cgroupPath,
          siblings: () => [...this.#containers.values()],
        };
        await buildContainer(container, config, spec, surroundings, signal);
        this.#first ??= container;
      });
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

  /** StartContainer. */
  startContainer(id: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(id, signal, async (container) => {
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
    const { passfd, launch } = this.#services;
    let started: Awaited<ReturnType<typeof startExec>> | undefined;
    let connections: HeldConnections | undefined;
    try {
      connections = await takeConnections(passfd, launch.loop, ports);
      await container.queue.run(async () => {
        this.#isCurrent(container);
        signal.throwIfAborted();
        started = await startExec(launch, container.handle, { execId, process, signal });
      });
    } catch (error) {
      connections?.close();
      throw wrapError(`exec ${execId} in container ${containerId}`, error);
    } finally {
      container.settle(execId, started, connections?.join);
    }
  }

  /** PauseContainer. */
  pauseContainer(id: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(id, signal, ({ handle }) => handle.pause());
  }

  /** ResumeContainer. */
  resumeContainer(id: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(id, signal, ({ handle }) => handle.resume());
  }

  /** UpdateContainer. */
  updateContainer(id: string, resources: Resources, signal: AbortSignal): Promise<void> {
    return this.#inTurn(id, signal, ({ handle }) => handle.update(resources));
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
      await releaseStorages(this.#services, container);
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

  /** A lifecycle call of one container, when those before it are through. */
  #inTurn(id: string, signal: AbortSignal, work: (container: Container) => Promise<void> | void): Promise<void> {
    const container = this.container(id);
    return container.queue.run(async () => {
      signal.throwIfAborted();
      this.#isCurrent(container);
      await work(container);
    });
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
