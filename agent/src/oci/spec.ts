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

export interface LinuxSpec {
  readonly namespaces: readonly NamespaceSpec[];
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly devices: readonly DeviceSpec[];
  readonly cgroupsPath: string;
  readonly resources: Resources;
  readonly rootfsPropagation: string | undefined;
  /** Present when the spec asks for a filter; its content is not read yet. */
  readonly seccomp: { readonly defaultAction: string } | undefined;
  readonly sysctl: ReadonlyMap<string, string>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly mountLabel: string | undefined;
  readonly intelRdt: boolean;
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
};
