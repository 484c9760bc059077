/**
 * Structural types of the protobuf form (`proto/oci.proto`): every field may be absent, null or its proto3 zero value, so the
 * generated classes, plain objects and the replayed captures all fit. Field names keep the case of the wire definition.
 */

/** A 64-bit field: number, bigint, or the `Long` of the protobuf runtime. */
export type ProtoInt64 = number | bigint | { readonly low: number; readonly high: number };
type Opt<T> = T | null | undefined;
export type ProtoMap = Opt<ReadonlyMap<string, string> | Readonly<Record<string, string>>>;

export interface ProtoSpec {
  readonly Version?: Opt<string>;
  readonly Process?: Opt<ProtoProcess>;
  readonly Root?: Opt<{ readonly Path?: Opt<string>; readonly Readonly?: Opt<boolean> }>;
  readonly Hostname?: Opt<string>;
  readonly Mounts?: Opt<readonly ProtoMount[]>;
  readonly Hooks?: Opt<ProtoHooks>;
  readonly Annotations?: ProtoMap;
  readonly Linux?: Opt<ProtoLinux>;
}

export interface ProtoProcess {
  readonly Terminal?: Opt<boolean>;
  readonly ConsoleSize?: Opt<{ readonly Height?: Opt<number>; readonly Width?: Opt<number> }>;
  readonly User?: Opt<{
    readonly UID?: Opt<number>;
    readonly GID?: Opt<number>;
    readonly AdditionalGids?: Opt<readonly number[]>;
    readonly Username?: Opt<string>;
  }>;
  readonly Args?: Opt<readonly string[]>;
  readonly Env?: Opt<readonly string[]>;
  readonly Cwd?: Opt<string>;
  readonly Capabilities?: Opt<ProtoCapabilities>;
  readonly Rlimits?: Opt<
    readonly { readonly Type?: Opt<string>; readonly Hard?: Opt<ProtoInt64>; readonly Soft?: Opt<ProtoInt64> }[]
  >;
  readonly NoNewPrivileges?: Opt<boolean>;
  readonly ApparmorProfile?: Opt<string>;
  readonly OOMScoreAdj?: Opt<ProtoInt64>;
  readonly SelinuxLabel?: Opt<string>;
}

export interface ProtoCapabilities {
  readonly Bounding?: Opt<readonly string[]>;
  readonly Effective?: Opt<readonly string[]>;
  readonly Inheritable?: Opt<readonly string[]>;
  readonly Permitted?: Opt<readonly string[]>;
  readonly Ambient?: Opt<readonly string[]>;
}

export interface ProtoMount {
  readonly destination?: Opt<string>;
  readonly source?: Opt<string>;
  readonly type?: Opt<string>;
  readonly options?: Opt<readonly string[]>;
}

export interface ProtoHook {
  readonly Path?: Opt<string>;
  readonly Args?: Opt<readonly string[]>;
  readonly Env?: Opt<readonly string[]>;
  readonly Timeout?: Opt<ProtoInt64>;
}

export interface ProtoHooks {
  readonly Prestart?: Opt<readonly ProtoHook[]>;
  readonly Poststart?: Opt<readonly ProtoHook[]>;
  readonly Poststop?: Opt<readonly ProtoHook[]>;
  readonly CreateRuntime?: Opt<readonly ProtoHook[]>;
  readonly CreateContainer?: Opt<readonly ProtoHook[]>;
  readonly StartContainer?: Opt<readonly ProtoHook[]>;
}

export interface ProtoIdMapping {
  readonly HostID?: Opt<number>;
  readonly ContainerID?: Opt<number>;
  readonly Size?: Opt<number>;
}

export interface ProtoDevice {
  readonly Path?: Opt<string>;
  readonly Type?: Opt<string>;
  readonly Major?: Opt<ProtoInt64>;
  readonly Minor?: Opt<ProtoInt64>;
  readonly FileMode?: Opt<number>;
  readonly UID?: Opt<number>;
  readonly GID?: Opt<number>;
}

export interface ProtoLinux {
  readonly UIDMappings?: Opt<readonly ProtoIdMapping[]>;
  readonly GIDMappings?: Opt<readonly ProtoIdMapping[]>;
  readonly Sysctl?: ProtoMap;
  readonly Resources?: Opt<ProtoResources>;
  readonly CgroupsPath?: Opt<string>;
  readonly Namespaces?: Opt<readonly { readonly Type?: Opt<string>; readonly Path?: Opt<string> }[]>;
  readonly Devices?: Opt<readonly ProtoDevice[]>;
  readonly Seccomp?: Opt<ProtoSeccomp>;
  readonly RootfsPropagation?: Opt<string>;
  readonly MaskedPaths?: Opt<readonly string[]>;
  readonly ReadonlyPaths?: Opt<readonly string[]>;
  readonly MountLabel?: Opt<string>;
  readonly IntelRdt?: Opt<{ readonly L3CacheSchema?: Opt<string> }>;
}

export interface ProtoSeccompRule {
  readonly Names?: Opt<readonly string[]>;
  readonly Action?: Opt<string>;
  readonly errnoret?: Opt<number>;
  readonly Args?: Opt<
    readonly {
      readonly Index?: Opt<ProtoInt64>;
      readonly Value?: Opt<ProtoInt64>;
      readonly ValueTwo?: Opt<ProtoInt64>;
      readonly Op?: Opt<string>;
    }[]
  >;
}

export interface ProtoSeccomp {
  readonly DefaultAction?: Opt<string>;
  readonly Architectures?: Opt<readonly string[]>;
  readonly Flags?: Opt<readonly string[]>;
  readonly Syscalls?: Opt<readonly ProtoSeccompRule[]>;
}

export interface ProtoThrottle {
  readonly Major?: Opt<ProtoInt64>;
  readonly Minor?: Opt<ProtoInt64>;
  readonly Rate?: Opt<ProtoInt64>;
}

export interface ProtoResources {
  readonly Devices?: Opt<
    readonly {
      readonly Allow?: Opt<boolean>;
      readonly Type?: Opt<string>;
      readonly Major?: Opt<ProtoInt64>;
      readonly Minor?: Opt<ProtoInt64>;
      readonly Access?: Opt<string>;
    }[]
  >;
  readonly Memory?: Opt<{
    readonly Limit?: Opt<ProtoInt64>;
    readonly Reservation?: Opt<ProtoInt64>;
    readonly Swap?: Opt<ProtoInt64>;
    readonly Kernel?: Opt<ProtoInt64>;
    readonly KernelTCP?: Opt<ProtoInt64>;
    readonly Swappiness?: Opt<ProtoInt64>;
    readonly DisableOOMKiller?: Opt<boolean>;
  }>;
  readonly CPU?: Opt<{
    readonly Shares?: Opt<ProtoInt64>;
    readonly Quota?: Opt<ProtoInt64>;
    readonly Period?: Opt<ProtoInt64>;
    readonly RealtimeRuntime?: Opt<ProtoInt64>;
    readonly RealtimePeriod?: Opt<ProtoInt64>;
    readonly Cpus?: Opt<string>;
    readonly Mems?: Opt<string>;
  }>;
  readonly Pids?: Opt<{ readonly Limit?: Opt<ProtoInt64> }>;
  readonly BlockIO?: Opt<{
    readonly Weight?: Opt<number>;
    readonly LeafWeight?: Opt<number>;
    readonly WeightDevice?: Opt<
      readonly { readonly Major?: Opt<ProtoInt64>; readonly Minor?: Opt<ProtoInt64>; readonly Weight?: Opt<number> }[]
    >;
    readonly ThrottleReadBpsDevice?: Opt<readonly ProtoThrottle[]>;
    readonly ThrottleWriteBpsDevice?: Opt<readonly ProtoThrottle[]>;
    readonly ThrottleReadIOPSDevice?: Opt<readonly ProtoThrottle[]>;
    readonly ThrottleWriteIOPSDevice?: Opt<readonly ProtoThrottle[]>;
  }>;
  readonly HugepageLimits?: Opt<readonly { readonly Pagesize?: Opt<string>; readonly Limit?: Opt<ProtoInt64> }[]>;
}
