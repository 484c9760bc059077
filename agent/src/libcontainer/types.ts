/**
 * What the sandbox layer sees of libcontainer. Entry points:
 *
 * - `launch/self-executable.ts`: `openSelfExecutable()`, once, when the agent starts.
 * - `launch/create-container.ts`: `createContainer(context, config)`: the container exists and its init waits for `start()`.
 * - `exec/start-exec.ts`: `startExec(context, container, config)`: a further process, already past its start gate.
 * - `cgroup/cgroup-path.ts`: `resolveCgroupPath(cgroupsPath, containerId, ...)`.
 * - `oci/from-proto.ts`: `specFromProto`, `processFromProto`, `resourcesFromProto`; `oci/validate.ts`: `validateSpec`.
 */
import type { AbortSignal } from '../base/abort.ts';
import type { Logger } from '../base/log.ts';
import type { NamespaceType, ProcessSpec, Resources, Spec } from '../oci/spec.ts';
import type { Fd } from '../sys/fd.ts';
import type { EventLoop } from '../sys/loop.ts';
import type { ExitStatus, Reaper } from '../sys/reaper.ts';
import type { Cgroup } from './cgroup/cgroup.ts';

/** Facts and services of the agent that every launch needs. One object for the life of the agent. */
export interface LaunchContext {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  /** From `openSelfExecutable()`: this ELF through a read-only mount of its own, or a sealed copy (EXE-01). */
  readonly selfExecutable: Fd;
  readonly isPid1: boolean;
  /** Directory of the cgroup v2 hierarchy to create containers in; undefined when the machine has none. */
  readonly cgroupRoot: string | undefined;
  /** `agent.container_pipe_size` in bytes; 0 keeps the kernel's default. */
  readonly pipeSize: number;
  /** RLIMIT_NOFILE as it was before the agent raised its own; given to processes whose spec sets none. */
  readonly defaultNofile?: { readonly soft: bigint; readonly hard: bigint };
}

/** A namespace to enter instead of making a new one. The descriptor stays the caller's. */
export type NamespaceDescriptors = Readonly<Partial<Record<NamespaceType, Fd>>>;

export interface CreateContainerConfig {
  readonly containerId: string;
  /** A spec that passed `validateSpec`. */
  readonly spec: Spec;
  /** Guest path of the container's root directory (the bundle's `rootfs`). */
  readonly rootfsPath: string;
  /** Below the cgroup root, e.g. `/kubepods/pod1/abc`; from `resolveCgroupPath`. */
  readonly cgroupPath: string;
  /** Sandbox namespaces (ipc, uts, shared pid). They win over the path of the spec's entry of that type. */
  readonly join: NamespaceDescriptors;
  /** Default 60 s. Expiry undoes everything and gives `deadline_exceeded`. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface ExecConfig {
  readonly execId: string;
  /** Without `capabilities` the container's own sets are used. */
  readonly process: ProcessSpec;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The agent's ends of a process's stdio; non-blocking, close-on-exec. The sandbox layer owns and closes them. */
export type ProcessStdio =
  | { readonly kind: 'pipes'; readonly stdin: Fd; readonly stdout: Fd; readonly stderr: Fd }
  | { readonly kind: 'terminal'; readonly master: Fd };

/** A process of a container: its init, or an exec. */
export interface ContainerProcess {
  /** In the agent's own pid namespace. */
  readonly pid: number;
  readonly pidfd: Fd;
  readonly stdio: ProcessStdio;
  /** Settles once, when the process was reaped; never rejects. */
  readonly exit: Promise<ExitStatus>;
  /** The stored status, once reaped. */
  readonly exitStatus: ExitStatus | undefined;
  /** By pidfd, so never another process. `SysError` ESRCH when it was reaped, EINVAL for a bad number. */
  signal(signal: number): void;
}

/** State names of the contract (lifecycle section 14). */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'stopped';

/** A created container. Its methods must not overlap: the sandbox layer queues calls per container. */
export interface ContainerHandle {
  readonly id: string;
  readonly spec: Spec;
  readonly status: ContainerStatus;
  readonly init: ContainerProcess;
  /** Pinned when the container was created (EXE-06); every type, also those shared with the agent. */
  readonly namespaces: Readonly<Record<PinnedNamespace, Fd>>;
  /** O_PATH descriptor of the container's root directory. */
  readonly root: Fd;
  /** Undefined when the machine has no cgroup v2. */
  readonly cgroup: Cgroup | undefined;
  /** Opens the start gate. `failed_precondition` when it was opened before or init is dead. Does not wait for execve. */
  start(): void;
  /** From created or running; `failed_precondition` otherwise. */
  pause(): void;
  /** From paused; back to the status before the pause. */
  resume(): void;
  /** Applies the given limits; what is not mentioned keeps its value. */
  update(resources: Resources): void;
  /** SIGKILL to every process of the cgroup and its descendants (`cgroup.kill`), thawed first. OK when none is left. */
  killAll(): void;
  /**
   * Tear-down in any state, may be called again after a failure: kills everything, waits (up to `deadlineMs`) for init to be
   * reaped and the cgroup to be empty, removes the cgroup, closes the descriptors owned by the handle (not the stdio).
   */
  destroy(deadlineMs?: number): Promise<void>;
}

/** Namespaces held by descriptor for exec. */
export type PinnedNamespace = 'mount' | 'uts' | 'ipc' | 'network' | 'pid' | 'cgroup' | 'user';
