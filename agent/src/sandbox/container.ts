import type { AbortSignal } from '../base/abort.ts';
import { DomainError } from '../base/errors.ts';
import { SIGKILL } from '../abi/constants.ts';
import { closeStdio } from '../libcontainer/launch/launch-process.ts';
import type { ContainerHandle, ContainerProcess } from '../libcontainer/types.ts';
import type { EventLoop } from '../sys/loop.ts';
import { SandboxProcess } from './sandbox-process.ts';
import type { JoinStreams } from './sandbox-process.ts';
import { SerialQueue } from './serial-queue.ts';

/**
 * A container as the sandbox sees it: its handle, its processes by id, and the queue of its lifecycle calls. It is entered in the
 * sandbox before its handle exists, so that a second create with the same id is refused at once (API-03).
 */
export class Container {
  readonly id: string;
  /** Lifecycle calls of this container, one after the other. */
  readonly queue = new SerialQueue();
  /** Mount points of its storages, to be given back. */
  storages: readonly string[] = [];
  /** Puts the guest's PCI addresses into the environment of its processes, when it has passed-through functions. */
  rewriteEnvironment: ((env: readonly string[]) => readonly string[]) | undefined;
  /** Stops what watches the container (memory events). */
  readonly watchers: (() => void)[] = [];
  readonly #loop: EventLoop;
  readonly #creation: AbortSignal;
  readonly #processes = new Map<string, SandboxProcess>();
  /** Ids of execs being set up. */
  readonly #reserved = new Set<string>();
  #handle: ContainerHandle | undefined;
  #isGone = false;
  #initWasWaitedFor = false;

  /** `creation` is the signal of the call that creates it. */
  constructor(loop: EventLoop, id: string, creation: AbortSignal) {
    this.#loop = loop;
    this.id = id;
    this.#creation = creation;
  }

  /** The handle; `not_found` while the container is being created or taken away, so that nobody acts on half of it. */
  get handle(): ContainerHandle {
    if (this.#handle === undefined || this.#isGone) throw notFound(this.id);
    return this.#handle;
  }

  /** True from the end of its creation until it is being taken away. */
  get isCreated(): boolean {
    return this.#handle !== undefined && !this.#isGone;
  }

  /** True while a creation whose caller was told that it failed is being rolled back. */
  get isGivenUp(): boolean {
    return this.#handle === undefined && this.#creation.aborted;
  }

  /** The container exists now. */
  created(handle: ContainerHandle, join?: JoinStreams): void {
    this.#handle = handle;
    try {
      this.#processes.set(this.id, new SandboxProcess(this.#loop, this.id, handle.init, join));
    } catch (error) {
      // No descriptor was left for it; the container itself goes with the roll-back of its creation.
      closeStdio(handle.init.stdio);
      throw error;
    }
  }

  /**
   * The process with this id; '' and the container's own id mean init. `not_found` with the words hosts know when there is none
   * (any more).
   */
  process(execId: string): SandboxProcess {
    const isInit = execId === '' || execId === this.id;
    const process = this.#processes.get(isInit ? this.id : execId);
    if (process !== undefined) return process;
    throw new DomainError('not_found', isInit ? 'InitProcessNotFound' : 'InvalidExecId');
  }

  /** Keeps an exec id for a process being set up; `already_exists` when it is taken. */
  reserve(execId: string): void {
    const isTaken = execId === this.id || this.#processes.has(execId) || this.#reserved.has(execId);
    if (isTaken) throw new DomainError('already_exists', `exec_id '${execId}' already exists in container ${this.id}`);
    this.#reserved.add(execId);
  }

  /** Ends the reservation: with the process that was set up, or without. */
  settle(execId: string, process: ContainerProcess | undefined, join?: JoinStreams): void {
    this.#reserved.delete(execId);
    if (process === undefined) return;
    try {
      this.#processes.set(execId, new SandboxProcess(this.#loop, execId, process, join));
    } catch (error) {
      // No descriptor was left for it: nobody could ever reach the process.
      closeStdio(process.stdio);
      process.signal(SIGKILL);
      throw error;
    }
  }

  /**
   * Waits for a process. The first waiter to return closes its streams and forgets it, so its id is free again; parallel waiters get
   * the same status (lifecycle 5.2).
   */
  async wait(execId: string, signal: AbortSignal): Promise<number> {
    const process = this.process(execId);
    const status = await process.wait(signal);
    if (this.#processes.get(process.id) === process) {
      this.#processes.delete(process.id);
      process.closeStreams();
      if (process.id === this.id) this.#initWasWaitedFor = true;
    }
    return status;
  }

  get initWasWaitedFor(): boolean {
    return this.#initWasWaitedFor;
  }

  /** Its cgroup and its namespaces were taken away: nobody gets the handle any more. */
  gone(): void {
    this.#isGone = true;
  }

  /** Closes what is left of its processes' streams and ends its watchers. */
  close(): void {
    for (const stop of this.watchers.splice(0)) stop();
    for (const process of this.#processes.values()) process.closeStreams();
    this.#processes.clear();
  }
}

/** The one answer for a container that is not there, or not there any more (API-04). Hosts look for these words. */
export function notFound(containerId: string): DomainError {
  return new DomainError(
    'not_found',
    `InvalidContainerId: Invalid container id ${JSON.stringify(containerId)}: not found`,
  );
}
