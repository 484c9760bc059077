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
import type { CgroupUnit } from './cgroup/cgroup-unit.ts';
import type { LaunchRules } from './launch/launch-rules.ts';
import type { RecordedInit } from './launch/recorded-init.ts';
import type { CompleteLaunchPlan } from './plan/launch-plan.ts';
import type { CgroupPolicy } from './cgroup/cgroup-policy.ts';

/** How a new process carries out its plan. */
export type LaunchChild =
  /**
   * It executes `kihon-init`, so that nothing of the parent's memory is within reach of the container. The descriptor is from
   * `openSelfExecutable()`: this ELF through a read-only mount of its own, or a sealed copy (EXE-01).
   */
  | { readonly kind: 'exec'; readonly selfExecutable: Fd; readonly zygote?: ProcessMaker }
  /** It goes on in place: for a parent that knows of nothing but this container. `runInline` of `init/run-plan.ts`. */
  | { readonly kind: 'inline'; readonly run: (plan: CompleteLaunchPlan | undefined) => never };

/** A new process before it knows what it is for. */
export interface SpawnedChild {
  /** In the caller's pid namespace. */
  readonly pid: number;
  readonly pidfd: Fd;
}

/** How a process is to be born. */
export interface ProcessRequest {
  /** CLONE_NEW* bits. */
  readonly cloneFlags: number;
  readonly isDumpable: boolean;
  /** Entered by a first stage, which makes the process; empty: no such stage. */
  readonly firstStage: readonly { readonly source: Fd; readonly flag: number }[];
  /** Directory of the cgroup to be born in. */
  readonly cgroup: Fd | undefined;
  /** A pid namespace to be born in, instead of the caller's own or a new one. */
  readonly pidNamespace: Fd | undefined;
  /** For descriptors 0, 1, 2, ... of the child, in order; number 3 is the plan, number 4 the sync socket. */
  readonly descriptors: readonly Fd[];
}

/** Somebody else who makes processes for the agent (`zygote/zygote.ts`). */
export interface ProcessMaker {
  /** Gets ready to serve; may be called again. */
  start(): void;
  /** The new process, a child of the caller; undefined when it cannot serve. Throws the SysError of clone3(2). */
  make(request: ProcessRequest): SpawnedChild | undefined;
}

/** Facts and services of the caller that every launch needs. One object for the life of the agent. */
export interface LaunchContext {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  readonly child: LaunchChild;
  readonly rules: LaunchRules;
  /** Directory of the cgroup v2 hierarchy to create containers in; undefined when the machine has none. */
  readonly cgroupRoot: string | undefined;
  /** Default `guestCgroupPolicy`; an OCI runtime gives `runtimeCgroupPolicy`. */
  readonly cgroupPolicy?: CgroupPolicy;
  /** `agent.container_pipe_size` in bytes; 0 keeps the kernel's default. */
  readonly pipeSize: number;
  /** RLIMIT_NOFILE as it was before the agent raised its own; given to processes whose spec sets none. */
  readonly defaultNofile?: { readonly soft: bigint; readonly hard: bigint };
}

/** A namespace to enter instead of making a new one. The descriptor stays the caller's. */
export type NamespaceDescriptors = Readonly<Partial<Record<NamespaceType, Fd>>>;

/** What the caller has to say about the descriptors of a new process, and wants to hear of it. */
export interface ProcessConfig {
  /** For 0, 1 and 2 instead of pipes. They stay the caller's. */
  readonly stdio?: readonly [Fd, Fd, Fd];
  /** A connected Unix stream socket that gets the master of the terminal, which is not kept then. */
  readonly consoleSocket?: Fd;
  /** For 3, 4, ... of the program. They stay the caller's. */
  readonly preserved?: readonly Fd[];
  /** No session keyring of its own. */
  readonly noNewKeyring?: boolean;
  /** As soon as there is a process, so that whoever comes after a crash can find it. */
  readonly onSpawned?: (pid: number) => void;
  /**
   * Takes a descriptor that the plan sends (`InitState.sendDescriptor`) under a name of `descriptors`; the child waits until it
   * has settled. The descriptor is closed afterwards.
   */
  readonly onDescriptor?: (name: string, fd: Fd, pid: number) => Promise<void>;
  /** Names of descriptors that the plan sends. */
  readonly descriptors?: readonly string[];
  /** Default 60 s. Expiry undoes everything and gives `deadline_exceeded`. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface CreateContainerConfig extends ProcessConfig {
  readonly containerId: string;
  /** A spec that passed `validateSpec`. */
  readonly spec: Spec;
  /** Guest path of the container's root directory (the bundle's `rootfs`). */
  readonly rootfsPath: string;
  /** Below the cgroup root, e.g. `/kubepods/pod1/abc`; from `resolveCgroupPath`. */
  readonly cgroupPath: string;
  /** Path of the group that a mount of type `cgroup` shows when the container gets none of its own (no cgroup root). */
  readonly shownCgroup?: string | undefined;
  /** Makes the cgroup at `cgroupPath`; without it, it is made here. */
  readonly unit?: CgroupUnit;
  /** Sandbox namespaces (ipc, uts, shared pid). They win over the path of the spec's entry of that type. */
  readonly join: NamespaceDescriptors;
  /** A bound SOCK_SEQPACKET socket (`createStartSocket`): init waits for its start there once `detach` was called. */
  readonly gate?: { readonly listener: Fd };
  /** The root is moved over `/` instead of pivot_root(2). */
  readonly noPivot?: boolean;
  /** The working directory of hooks, and `bundle` of their state. Default: where the root directory is. */
  readonly bundlePath?: string;
  /** The container is going to be started as soon as it is there, so init may be told so while it gets ready. */
  readonly startsAtOnce?: boolean;
  /**
   * The cgroup, if it gets one, is the container's from here on, so whoever comes after a crash may end what is in it. No process of
   * ours was in it before.
   */
  readonly onClaimed?: () => void;
  /** Before the first hook of the runtime, at the latest when init is ready; in any case before it executes its program. */
  readonly onPrepared?: (init: RecordedInit) => void;
}

export interface ExecConfig extends ProcessConfig {
  readonly execId: string;
  /** Without `capabilities` the container's own sets are used. */
  readonly process: ProcessSpec;
}

/** What an exec needs to know of its container. A `ContainerHandle` of a caller that pins namespaces is one. */
export interface ExecTarget {
  readonly id: string;
  readonly spec: Spec;
  /** Of init, while it lives. */
  readonly initPid: number | undefined;
  readonly namespaces: NamespaceDescriptors;
  readonly root: Fd;
  readonly cgroup: Pick<Cgroup, 'path' | 'directory' | 'openChild'> | undefined;
  /** Somebody in its pid namespace may have CAP_SYS_PTRACE, and so look into processes that enter it. */
  readonly isWatched?: boolean;
  /** For the state that a seccomp listener is told. */
  readonly bundlePath?: string;
}

/** The caller's ends of a process's stdio; non-blocking, close-on-exec. The caller owns and closes them. */
export type ProcessStdio =
  /** Given by the caller, or passed on through a console socket. */
  | { readonly kind: 'none' }
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
  /** Where its hooks run. */
  readonly bundle: string;
  readonly status: ContainerStatus;
  readonly init: ContainerProcess;
  /** Pinned when the container was created (EXE-06); every type, also those shared with the agent. Only with `pinsNamespaces`. */
  readonly namespaces: Readonly<Record<PinnedNamespace, Fd>>;
  /** O_PATH descriptor of the container's root directory. Only with `pinsNamespaces`. */
  readonly root: Fd;
  /** Pid of init while it lives. */
  readonly initPid: number | undefined;
  /** Undefined when the machine has no cgroup v2. */
  readonly cgroup: Cgroup | undefined;
  /** Opens the start gate. `failed_precondition` when it was opened before or init is dead. Does not wait for execve. */
  start(): void;
  /** The same, and settles when the program is executed; a `LaunchError` says why it could not be (`awaitsExecve`). */
  startAndConfirm(signal?: AbortSignal): Promise<void>;
  /**
   * Leaves init to the socket on disk (`gate`), for whoever starts it later. To be called when it can be found again: until then
   * the end of this process ends it.
   */
  detach(): void;
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
