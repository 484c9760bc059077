import { SIGKILL } from '../../abi/constants.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { DomainError, describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Resources, Spec } from '../../oci/spec.ts';
import { mayTrace } from '../../oci/may-trace.ts';
import { validateResources } from '../../oci/validate-resources.ts';
import type { Fd } from '../../sys/fd.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { sleep } from '../../sys/readiness.ts';
import { sendMessage } from '../../sys/socket.ts';
import type { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupUnit } from '../cgroup/cgroup-unit.ts';
import { releaseRdtGroup } from '../intel-rdt/rdt-group.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { nextState, statusName } from '../plan/transitions.ts';
import type { Operation } from '../plan/transitions.ts';
import { gateOf, stateName } from '../state/lifecycle.ts';
import type { Lifecycle } from '../state/lifecycle.ts';
import type { ContainerHandle, ContainerStatus, LaunchContext, PinnedNamespace } from '../types.ts';
import type { LaunchedProcess } from './launched-process.ts';
import { confirmStart, followStart, sayStart } from './start-gate.ts';

/** What a container's execs join, held by descriptor. */
export interface PinnedContainer {
  readonly namespaces: Readonly<Record<PinnedNamespace, Fd>>;
  readonly root: Fd;
}

export interface ContainerParts {
  readonly id: string;
  readonly spec: Spec;
  readonly bundle: string;
  readonly init: LaunchedProcess;
  readonly gate: Fd;
  /** Init was told to start before it was ready. */
  readonly isStarted: boolean;
  /** Undefined when the caller keeps a record instead. */
  readonly pinned: PinnedContainer | undefined;
  readonly cgroup: Cgroup | undefined;
  /** Others are in its pid namespace. */
  readonly sharesPids: boolean;
  /** What the cgroup belongs to, where a service manager made it. */
  readonly unit?: CgroupUnit | undefined;
}

/** Tear-down gives killed processes this long by default. */
const destroyDeadlineMs = 10_000;
/** Between two looks at a cgroup that still has processes. */
const pollMs = 5;

/** A created container and what belongs to it. */
export class Container implements ContainerHandle {
  readonly id: string;
  readonly spec: Spec;
  readonly bundle: string;
  readonly init: LaunchedProcess;
  readonly cgroup: Cgroup | undefined;
  readonly #isStarted: boolean;
  #isWatched: boolean;
  readonly #unit: CgroupUnit | undefined;
  readonly #pinned: PinnedContainer | undefined;
  readonly #loop: EventLoop;
  readonly #log: Logger;
  /** Execs alive; needed to end them where no cgroup does. */
  readonly #execs = new Set<LaunchedProcess>();
  #lifecycle: Lifecycle;
  /** Death takes a moment, but from the kill on nothing is started any more. */
  #wasKilled = false;
  #isDestroyed = false;

  constructor(context: Pick<LaunchContext, 'loop' | 'log'>, parts: ContainerParts) {
    this.#loop = context.loop;
    this.#log = context.log;
    this.id = parts.id;
    this.spec = parts.spec;
    this.bundle = parts.bundle;
    this.init = parts.init;
    this.#isStarted = parts.isStarted;
    this.#isWatched = parts.sharesPids || mayTrace(parts.spec.process.capabilities);
    this.#pinned = parts.pinned;
    this.cgroup = parts.cgroup;
    this.#unit = parts.unit;
    this.#lifecycle = { kind: 'created', gate: parts.gate };
  }

  get status(): ContainerStatus {
    return statusName(stateName(this.#lifecycle));
  }

  get initPid(): number | undefined {
    return this.init.exitStatus === undefined ? this.init.pid : undefined;
  }

  get namespaces(): Readonly<Record<PinnedNamespace, Fd>> {
    return this.#requirePinned().namespaces;
  }

  get root(): Fd {
    return this.#requirePinned().root;
  }

  #requirePinned(): PinnedContainer {
    if (this.#pinned === undefined) throw new Error(`the namespaces of container ${this.id} are not pinned`);
    return this.#pinned;
  }

  /** Throws `failed_precondition` when the state forbids the operation. */
  assertAllows(operation: Operation): void {
    nextState(stateName(this.#lifecycle), operation);
  }

  /** Nobody knows what the neighbours of a shared pid namespace have, or what a process with CAP_SYS_PTRACE has left behind. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** A process that may trace others comes in. */
  expectTracer(): void {
    this.#isWatched = true;
  }

  /** Remembers an exec until it ends. */
  adoptExec(process: LaunchedProcess): void {
    this.#execs.add(process);
    process.onExit(() => this.#execs.delete(process));
  }

  start(): void {
    const gate = this.#openGate();
    // Hooks of startContainer have something to say after it.
    if (this.spec.hooks.startContainer.length === 0) gate.close();
    else void this.#logStart(gate);
  }

  async startAndConfirm(signal?: AbortSignal): Promise<void> {
    using gate = this.#openGate();
    await confirmStart(this.#loop, gate, (text) => this.#log.error(text), signal);
  }

  detach(): void {
    const state = this.#lifecycle;
    if (state.kind !== 'created') throw new Error('only a created container is allowed to be detached');
    sendMessage(state.gate, encodeMessage({ type: 'detach' }));
  }

  /** Says `start` and gives the gate, which is the caller's from then on. */
  #openGate(): Fd {
    this.assertAllows('start');
    if (this.#lifecycle.kind !== 'created') throw new Error('only a created container is allowed to start');
    const { gate } = this.#lifecycle;
    if (!this.#isStarted) {
      if (this.#wasKilled || this.init.exitStatus !== undefined) {
        throw new DomainError('failed_precondition', 'the init process ended before it was started');
      }
      sayStart(gate);
    }
    this.#lifecycle = { kind: 'running' };
    return gate;
  }

  async #logStart(gate: Fd): Promise<void> {
    try {
      await followStart(this.#loop, gate, (text) => this.#log.error(text));
    } catch (error) {
      this.#log.error(`start: ${describeError(error)}`);
    } finally {
      gate.close();
    }
  }

  pause(): void {
    this.assertAllows('pause');
    const state = this.#lifecycle;
    if (state.kind !== 'created' && state.kind !== 'running') throw new Error('only these two can pause');
    this.#requireCgroup('pause').freeze();
    this.#lifecycle = { kind: 'paused', before: state };
  }

  resume(): void {
    this.assertAllows('resume');
    if (this.#lifecycle.kind !== 'paused') throw new Error('only a paused container is allowed to resume');
    this.#requireCgroup('resume').thaw();
    this.#lifecycle = this.#lifecycle.before;
  }

  update(resources: Resources): void {
    this.assertAllows('update');
    validateResources(resources);
    this.#requireCgroup('update').update(resources, this.spec.linux.devices);
  }

  killAll(): void {
    this.assertAllows('kill');
    if (this.#lifecycle.kind === 'stopped') return;
    this.#wasKilled = true;
    this.#killEverything();
    if (this.#lifecycle.kind === 'paused') this.#lifecycle = this.#lifecycle.before;
  }

  #killEverything(): void {
    if (this.cgroup !== undefined && this.cgroup.directory.isOpen) {
      try {
        this.cgroup.kill();
        this.cgroup.thaw();
      } catch (error) {
        // ENODEV: the cgroup was removed by an earlier, half-done tear-down. EMFILE: no descriptor is left to write with (LIV-03); the
        // death of init takes its pid namespace with it, and who survives that keeps the cgroup from being removed.
        if (!isSysError(error, 'ENODEV', 'ENOENT', 'EMFILE', 'ENFILE')) throw error;
      }
    }
    for (const process of [this.init, ...this.#execs]) {
      try {
        process.signal(SIGKILL);
      } catch (error) {
        if (!isSysError(error, 'ESRCH')) throw error;
      }
    }
  }

  async destroy(deadlineMs: number = destroyDeadlineMs): Promise<void> {
    if (this.#isDestroyed) return;
    const endMs = this.#loop.now() + deadlineMs;
    this.#killEverything();
    gateOf(this.#lifecycle)?.close();
    this.#lifecycle = { kind: 'stopped' };
    const left = (): number => Math.max(0, endMs - this.#loop.now());
    if (!(await this.init.waitExit(this.#loop, left()))) {
      throw new DomainError('deadline_exceeded', `init process ${this.init.pid} did not end within ${deadlineMs} ms`);
    }
    await this.#removeCgroup(endMs, deadlineMs);
    releaseRdtGroup(this.spec.linux.intelRdt, this.id);
    for (const fd of Object.values(this.#pinned?.namespaces ?? {})) fd.close();
    this.#pinned?.root.close();
    this.#isDestroyed = true;
  }

  async #removeCgroup(endMs: number, deadlineMs: number): Promise<void> {
    if (this.cgroup === undefined || !this.cgroup.directory.isOpen) return;
    await this.#unit?.stop();
    await removeWhenEmpty(this.#loop, this.cgroup, endMs, deadlineMs);
    this.cgroup.close();
  }

  #requireCgroup(operation: string): Cgroup {
    if (this.cgroup === undefined) {
      throw new DomainError('failed_precondition', `cannot ${operation}: there is no cgroup v2 hierarchy`);
    }
    return this.cgroup;
  }
}

/** Removes a cgroup whose processes were killed, as soon as the last one is gone. */
export async function removeWhenEmpty(
  loop: EventLoop,
  cgroup: Cgroup,
  endMs: number,
  deadlineMs: number,
): Promise<void> {
  for (;;) {
    try {
      cgroup.remove();
      return;
    } catch (error) {
      if (!isSysError(error, 'EBUSY')) throw error;
      if (loop.now() >= endMs) {
        throw new DomainError(
          'deadline_exceeded',
          `cgroup ${cgroup.path} was not empty within ${deadlineMs} ms`,
          error,
        );
      }
    }
    await sleep(loop, pollMs);
  }
}
