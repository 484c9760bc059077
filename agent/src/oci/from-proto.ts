import { invalidArgument } from '../base/errors.ts';
import { assertNoNul } from './no-nul.ts';
import { processFromProto } from './process-from-proto.ts';
import type {
  ProtoDevice,
  ProtoHook,
  ProtoHooks,
  ProtoIdMapping,
  ProtoLinux,
  ProtoMount,
  ProtoSpec,
} from './proto-spec.ts';
import { listOf, nonEmpty, toInt64, toMap } from './proto-values.ts';
import { resourcesFromProto } from './resources-from-proto.ts';
import { seccompFromProto } from './seccomp-from-proto.ts';
import type {
  DeviceSpec,
  HookSpec,
  HooksSpec,
  IdMapping,
  IntelRdtSpec,
  LinuxSpec,
  MountSpec,
  NamespaceSpec,
  NamespaceType,
  Spec,
} from './spec.ts';

const namespaceNames: ReadonlyMap<string, NamespaceType> = new Map([
  ['mnt', 'mount'],
  ['mount', 'mount'],
  ['net', 'network'],
  ['network', 'network'],
  ['pid', 'pid'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['user', 'user'],
  ['cgroup', 'cgroup'],
  ['time', 'time'],
]);

function namespaceFromProto(
  entry: { readonly Type?: string | null | undefined; readonly Path?: string | null | undefined },
  index: number,
): NamespaceSpec {
  const type = namespaceNames.get(entry.Type ?? '');
  if (type === undefined) {
    throw invalidArgument(`linux.namespaces[${index}].type`, `unknown namespace ${JSON.stringify(entry.Type ?? '')}`);
  }
  return { type, path: nonEmpty(entry.Path) };
}

function mountFromProto(entry: ProtoMount, index: number): MountSpec {
  const options = listOf(entry.options);
  const isBind = options.includes('bind') || options.includes('rbind');
  const given = nonEmpty(entry.type);
  const type = isBind && (given === undefined || given === 'none') ? 'bind' : given;
  if (type === undefined) throw invalidArgument(`mounts[${index}].type`, 'missing');
  return {
    destination: entry.destination ?? '',
    type,
    source: entry.source ?? '',
    options,
    uidMappings: [],
    gidMappings: [],
  };
}

function deviceFromProto(entry: ProtoDevice, index: number): DeviceSpec {
  const type = entry.Type === 'u' ? 'c' : entry.Type;
  if (type !== 'b' && type !== 'c' && type !== 'p') {
    throw invalidArgument(`linux.devices[${index}].type`, `unknown type ${JSON.stringify(entry.Type ?? '')}`);
  }
  const mode = (entry.FileMode ?? 0) & 0o7777;
  return {
    path: entry.Path ?? '',
    type,
    major: Number(toInt64(entry.Major)),
    minor: Number(toInt64(entry.Minor)),
    fileMode: mode === 0 ? undefined : mode,
    uid: (entry.UID ?? 0) >>> 0,
    gid: (entry.GID ?? 0) >>> 0,
  };
}

function hookFromProto(entry: ProtoHook): HookSpec {
  const timeout = Number(toInt64(entry.Timeout));
  return {
    path: entry.Path ?? '',
    args: listOf(entry.Args),
    env: listOf(entry.Env),
    timeout: timeout > 0 ? timeout : undefined,
  };
}

function hooksFromProto(proto: ProtoHooks | null | undefined): HooksSpec {
  const hooks = (list: readonly ProtoHook[] | null | undefined): readonly HookSpec[] => listOf(list).map(hookFromProto);
  return {
    prestart: hooks(proto?.Prestart),
    createRuntime: hooks(proto?.CreateRuntime),
    createContainer: hooks(proto?.CreateContainer),
    startContainer: hooks(proto?.StartContainer),
    poststart: hooks(proto?.Poststart),
    poststop: hooks(proto?.Poststop),
  };
}

function idMapping(entry: ProtoIdMapping): IdMapping {
  return {
    containerId: (entry.ContainerID ?? 0) >>> 0,
    hostId: (entry.HostID ?? 0) >>> 0,
    size: (entry.Size ?? 0) >>> 0,
  };
}

function rdtFromProto(l3CacheSchema: string | undefined): IntelRdtSpec | undefined {
  return l3CacheSchema === undefined ? undefined : { closId: undefined, l3CacheSchema, memBwSchema: undefined };
}

function linuxFromProto(proto: ProtoLinux): LinuxSpec {
  return {
    namespaces: listOf(proto.Namespaces).map(namespaceFromProto),
    uidMappings: listOf(proto.UIDMappings).map(idMapping),
    gidMappings: listOf(proto.GIDMappings).map(idMapping),
    devices: listOf(proto.Devices).map(deviceFromProto),
    cgroupsPath: proto.CgroupsPath ?? '',
    resources: resourcesFromProto(proto.Resources),
    rootfsPropagation: nonEmpty(proto.RootfsPropagation),
    seccomp: seccompFromProto(proto.Seccomp),
    timeOffsets: { monotonic: undefined, boottime: undefined },
    personality: undefined,
    memoryPolicy: undefined,
    netDevices: new Map(),
    sysctl: toMap(proto.Sysctl, 'linux.sysctl'),
    maskedPaths: listOf(proto.MaskedPaths),
    readonlyPaths: listOf(proto.ReadonlyPaths),
    mountLabel: nonEmpty(proto.MountLabel),
    intelRdt: rdtFromProto(nonEmpty(proto.IntelRdt?.L3CacheSchema)),
  };
}

/**
 * The protobuf form of a spec as our own (contract, lifecycle section 7, with its defects repaired). Throws
 * `invalid_argument` for what has no meaning: a missing `Process`, `Root` or `Linux`, an unknown namespace or device type, a
 * NUL byte in any string. Everything that needs judgement is left to `validateSpec`.
 */
export function specFromProto(proto: ProtoSpec | null | undefined): Spec {
  if (proto === null || proto === undefined) throw invalidArgument('OCI', 'missing (EINVAL: Invalid argument)');
  if (proto.Root === null || proto.Root === undefined) throw invalidArgument('root', 'missing');
  if (proto.Linux === null || proto.Linux === undefined) throw invalidArgument('linux', 'missing');
  const spec: Spec = {
    version: proto.Version ?? '',
    process: processFromProto(proto.Process),
    root: { path: proto.Root.Path ?? '', readonly: proto.Root.Readonly ?? false },
    hostname: nonEmpty(proto.Hostname),
    domainname: undefined,
    mounts: listOf(proto.Mounts).map(mountFromProto),
    hooks: hooksFromProto(proto.Hooks),
    annotations: toMap(proto.Annotations, 'annotations'),
    linux: linuxFromProto(proto.Linux),
  };
  assertNoNul(spec, 'OCI');
  return spec;
}
