/**
 * The OCI runtime specification (1.2) as the rest of the agent sees it: what is absent on the wire is absent here, numbers
 * that can pass 2^53 are bigint, and enumerations are closed unions. https://github.com/opencontainers/runtime-spec
 */

export interface Spec {
  readonly version: string;
  readonly process: ProcessSpec;
  readonly root: RootSpec;
  readonly hostname: string | undefined;
  readonly domainname: string | undefined;
  readonly mounts: readonly MountSpec[];
  readonly hooks: HooksSpec;
  readonly annotations: ReadonlyMap<string, string>;
  readonly linux: LinuxSpec;
}

export interface RootSpec {
  /** Guest path of the root directory. */
  readonly path: string;
  readonly readonly: boolean;
}

export interface UserSpec {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** Octal bits, default 022. */
  readonly umask: number | undefined;
  /** Looked up in the container's own files where the caller of the specification allows it; undefined: the numbers count. */
  readonly username: string | undefined;
}

/** `process.scheduler` (sched_setattr(2)). */
export interface SchedulerSpec {
  /** `SCHED_OTHER` and so on. */
  readonly policy: string;
  readonly nice: number;
  readonly priority: number;
  /** `SCHED_FLAG_RESET_ON_FORK` and so on. */
  readonly flags: readonly string[];
  /** Nanoseconds, for `SCHED_DEADLINE`. */
  readonly runtime: bigint;
  readonly deadline: bigint;
  readonly period: bigint;
}

/** `process.ioPriority` (ioprio_set(2)). */
export interface IoPrioritySpec {
  readonly class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';
  readonly priority: number;
}

/** `process.execCPUAffinity`: lists such as `0-3,7`, before and after the process joins the container's cgroup. */
export interface CpuAffinitySpec {
  readonly initial: string | undefined;
  readonly final: string | undefined;
}

export interface ProcessSpec {
  readonly terminal: boolean;
  readonly consoleSize: { readonly rows: number; readonly columns: number } | undefined;
  readonly user: UserSpec;
  readonly args: readonly string[];
  /** `KEY=value`, as sent. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** Undefined: not sent. An exec then takes the container's, an init is refused. */
  readonly capabilities: CapabilitySets | undefined;
  readonly rlimits: readonly RlimitSpec[];
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj: number | undefined;
  readonly apparmorProfile: string | undefined;
  readonly selinuxLabel: string | undefined;
  readonly scheduler: SchedulerSpec | undefined;
  readonly ioPriority: IoPrioritySpec | undefined;
  /** For exec; init is placed by its cpuset. */
  readonly execCpuAffinity: CpuAffinitySpec | undefined;
}

/** Names such as `CAP_CHOWN`, known to `abi/constants`; duplicates removed. */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

export interface RlimitSpec {
  /** `RLIMIT_NOFILE` and so on. */
  readonly type: string;
  /** RLIM_INFINITY is 2^64-1. */
  readonly soft: bigint;
  readonly hard: bigint;
}

export interface MountSpec {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  /** Id maps of an id-mapped mount; empty: those of the container's user namespace, if the options ask for one. */
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

export interface HookSpec {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds; undefined means the default. */
  readonly timeout: number | undefined;
}

export interface HooksSpec {
  readonly prestart: readonly HookSpec[];
  readonly createRuntime: readonly HookSpec[];
  readonly createContainer: readonly HookSpec[];
  readonly startContainer: readonly HookSpec[];
  readonly poststart: readonly HookSpec[];
  readonly poststop: readonly HookSpec[];
}

export const namespaceTypes = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;
export type NamespaceType = (typeof namespaceTypes)[number];

export interface NamespaceSpec {
  readonly type: NamespaceType;
  /** Undefined: a new namespace. */
  readonly path: string | undefined;
}

export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export interface DeviceSpec {
  readonly path: string;
  /** block, character, FIFO. (`u` of the specification is read as `c`.) */
  readonly type: 'b' | 'c' | 'p';
  readonly major: number;
  readonly minor: number;
  /** Permission bits; undefined: 0666 is not assumed, the guest's node decides, else 0. */
  readonly fileMode: number | undefined;
  readonly uid: number;
  readonly gid: number;
}

/** Comparison of one argument (libseccomp's names). */
export type SeccompOperator =
  'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';

export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

export interface SeccompArg {
  /** 0 to 5. */
  readonly index: number;
  /** The datum, or the mask of `SCMP_CMP_MASKED_EQ`. */
  readonly value: bigint;
  /** The datum of `SCMP_CMP_MASKED_EQ`. */
  readonly valueTwo: bigint;
  readonly op: SeccompOperator;
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  /** Errno, or the message of a trace; undefined: EPERM. */
  readonly errnoRet: number | undefined;
  /** All must hold. */
  readonly args: readonly SeccompArg[];
}

export interface SeccompSpec {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet: number | undefined;
  /** `SCMP_ARCH_X86_64` and so on; the native one always belongs to it. */
  readonly architectures: readonly string[];
  /** `SECCOMP_FILTER_FLAG_LOG` and so on. */
  readonly flags: readonly string[];
  /** Unix socket that gets the descriptor of `SCMP_ACT_NOTIFY`. */
  readonly listenerPath: string | undefined;
  readonly listenerMetadata: string | undefined;
  readonly syscalls: readonly SeccompRule[];
}

/** Offset of one clock of a time namespace (time_namespaces(7)). */
export interface TimeOffset {
  readonly secs: bigint;
  readonly nanosecs: number;
}

/** `linux.memoryPolicy` (set_mempolicy(2)). */
export interface MemoryPolicySpec {
  /** `MPOL_BIND` and so on. */
  readonly mode: string;
  /** List such as `0-3,7`. */
  readonly nodes: string;
  /** `MPOL_F_STATIC_NODES` and so on. */
  readonly flags: readonly string[];
}

/** `linux.intelRdt`: a resctrl group (kernel: arch/x86/resctrl). */
export interface IntelRdtSpec {
  readonly closId: string | undefined;
  readonly l3CacheSchema: string | undefined;
  readonly memBwSchema: string | undefined;
}

export interface LinuxSpec {
  readonly namespaces: readonly NamespaceSpec[];
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly devices: readonly DeviceSpec[];
  readonly cgroupsPath: string;
  readonly resources: Resources;
  readonly rootfsPropagation: string | undefined;
  readonly seccomp: SeccompSpec | undefined;
  readonly timeOffsets: { readonly monotonic: TimeOffset | undefined; readonly boottime: TimeOffset | undefined };
  /** Execution domain (personality(2)): `LINUX` or `LINUX32`, and its flags. */
  readonly personality: { readonly domain: 'LINUX' | 'LINUX32'; readonly flags: readonly string[] } | undefined;
  readonly memoryPolicy: MemoryPolicySpec | undefined;
  /** Network devices of the runtime's namespace to move into the container: name there, name inside (undefined: the same). */
  readonly netDevices: ReadonlyMap<string, string | undefined>;
  readonly sysctl: ReadonlyMap<string, string>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly mountLabel: string | undefined;
  readonly intelRdt: IntelRdtSpec | undefined;
}

export interface DeviceRule {
  readonly allow: boolean;
  readonly type: 'a' | 'b' | 'c';
  /** Undefined is the wildcard. */
  readonly major: bigint | undefined;
  readonly minor: bigint | undefined;
  readonly access: string;
}

export interface CpuResources {
  readonly shares: bigint | undefined;
  /** Microseconds per period. */
  readonly quota: bigint | undefined;
  /** Microseconds. */
  readonly period: bigint | undefined;
  /** Microseconds that may be saved up beyond the quota. */
  readonly burst: bigint | undefined;
  /** 1: SCHED_IDLE for the whole cgroup. */
  readonly idle: bigint | undefined;
  readonly realtimeRuntime: bigint | undefined;
  readonly realtimePeriod: bigint | undefined;
  /** Lists such as `0-3,8`. */
  readonly cpus: string | undefined;
  readonly mems: string | undefined;
}

/** All sizes in bytes. */
export interface MemoryResources {
  readonly limit: bigint | undefined;
  readonly reservation: bigint | undefined;
  /** Memory plus swap, as in cgroup v1. */
  readonly swap: bigint | undefined;
  readonly swappiness: bigint | undefined;
  readonly disableOomKiller: boolean;
  /** An update must not set a limit below the current use. */
  readonly checkBeforeUpdate: boolean;
}

export interface ThrottleDevice {
  readonly major: bigint;
  readonly minor: bigint;
  /** Bytes or operations per second. */
  readonly rate: bigint;
}

export interface BlockIoResources {
  readonly weight: number | undefined;
  readonly leafWeight: number | undefined;
  readonly weightDevices: readonly { readonly major: bigint; readonly minor: bigint; readonly weight: number }[];
  readonly readBps: readonly ThrottleDevice[];
  readonly writeBps: readonly ThrottleDevice[];
  readonly readIops: readonly ThrottleDevice[];
  readonly writeIops: readonly ThrottleDevice[];
}

export interface Resources {
  readonly devices: readonly DeviceRule[];
  readonly cpu: CpuResources | undefined;
  readonly memory: MemoryResources | undefined;
  /** Most tasks; zero or less means no limit. */
  readonly pids: bigint | undefined;
  readonly blockIo: BlockIoResources | undefined;
  readonly hugepages: readonly { readonly pageSize: string; readonly limit: bigint }[];
  /** Files of the cgroup v2 interface and what to write into them. */
  readonly unified: ReadonlyMap<string, string>;
  /** By device name such as `mlx5_1`. */
  readonly rdma: ReadonlyMap<
    string,
    { readonly hcaHandles: number | undefined; readonly hcaObjects: number | undefined }
  >;
  /** `net_cls` and `net_prio`, which cgroup v2 does not have. */
  readonly network:
    { readonly classId: number | undefined; readonly priorities: ReadonlyMap<string, number> } | undefined;
}

/** No limits at all. */
export const emptyResources: Resources = {
  devices: [],
  cpu: undefined,
  memory: undefined,
  pids: undefined,
  blockIo: undefined,
  hugepages: [],
  unified: new Map(),
  rdma: new Map(),
  network: undefined,
};
