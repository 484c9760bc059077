import { join } from 'node:path';
import type { Init } from '../../../agent/src/codec/protobuf/message-codec.ts';
import type { Linux, LinuxSeccomp, Process, Spec } from '../../../proto/gen/agent.js';
import type { OciConfig, OciLinux, OciProcess } from '../../support/oci-bundle.ts';

/** The agent's API has no place for something in a configuration. */
export class NotExpressible extends Error {
  override readonly name = 'NotExpressible';
}

/** Fails when an object has other members than the API knows. */
function only(path: string, object: object | undefined, known: readonly string[]): void {
  for (const [key, value] of Object.entries(object ?? {}))
    if (value !== undefined && !known.includes(key)) throw new NotExpressible(`${path}${key}`);
}

/** A text, as the API has it; a value of another type cannot be said. */
function text(path: string, value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new NotExpressible(path);
  return value;
}

function unsigned(path: string, value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw new NotExpressible(path);
  return value;
}

function processOf(process: OciProcess): Init<Process> {
  only('process.', process, [
    ...['terminal', 'user', 'args', 'env', 'cwd', 'capabilities', 'rlimits', 'noNewPrivileges', 'oomScoreAdj'],
    ...['apparmorProfile', 'selinuxLabel', 'consoleSize'],
  ]);
  only('process.user.', process.user, ['uid', 'gid', 'additionalGids']);
  const { user, capabilities = {} } = process;
  return {
    Terminal: process.terminal ?? false,
    User: {
      UID: unsigned('process.user.uid', user.uid),
      GID: unsigned('process.user.gid', user.gid),
      AdditionalGids: user.additionalGids ?? [],
    },
    Args: Array.isArray(process.args) ? process.args : [],
    Env: process.env,
    Cwd: text('process.cwd', process.cwd),
    Capabilities: {
      Bounding: capabilities.bounding ?? [],
      Effective: capabilities.effective ?? [],
      Inheritable: capabilities.inheritable ?? [],
      Permitted: capabilities.permitted ?? [],
      Ambient: capabilities.ambient ?? [],
    },
    Rlimits: (process.rlimits ?? []).map(({ type, soft, hard }) => ({
      Type: type,
      Soft: BigInt(soft),
      Hard: BigInt(hard),
    })),
    NoNewPrivileges: process.noNewPrivileges ?? false,
    OOMScoreAdj: BigInt(process.oomScoreAdj ?? 0),
    ApparmorProfile: text('process.apparmorProfile', process['apparmorProfile']),
    SelinuxLabel: text('process.selinuxLabel', process['selinuxLabel']),
  };
}

interface Seccomp {
  readonly defaultAction: string;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly {
      readonly index: number;
      readonly value: number;
      readonly valueTwo?: number;
      readonly op: string;
    }[];
  }[];
}

function seccompOf(seccomp: Record<string, unknown>): Init<LinuxSeccomp> {
  only('linux.seccomp.', seccomp, ['defaultAction', 'architectures', 'flags', 'syscalls']);
  const { defaultAction, architectures = [], flags = [], syscalls = [] } = seccomp as unknown as Seccomp;
  return {
    DefaultAction: defaultAction,
    Architectures: architectures,
    Flags: flags,
    Syscalls: syscalls.map(({ names, action, errnoRet, args = [] }) => ({
      Names: names,
      Action: action,
      ...(errnoRet === undefined ? {} : { errnoret: errnoRet }),
      Args: args.map(({ index, value, valueTwo = 0, op }) => ({
        Index: BigInt(index),
        Value: BigInt(value),
        ValueTwo: BigInt(valueTwo),
        Op: op,
      })),
    })),
  };
}

function linuxOf(linux: OciLinux): Init<Linux> {
  only('linux.', linux, [
    ...[
      'namespaces',
      'devices',
      'cgroupsPath',
      'sysctl',
      'seccomp',
      'rootfsPropagation',
      'maskedPaths',
      'readonlyPaths',
    ],
    'mountLabel',
  ]);
  return {
    CgroupsPath: linux.cgroupsPath ?? '',
    Namespaces: linux.namespaces.map(({ type, path }) => ({ Type: type, Path: path ?? '' })),
    Devices: (linux.devices ?? []).map((device) => ({
      Path: text('linux.devices[].path', device['path']),
      Type: text('linux.devices[].type', device['type']),
      Major: BigInt(unsigned('linux.devices[].major', device['major'])),
      Minor: BigInt(unsigned('linux.devices[].minor', device['minor'])),
      FileMode: unsigned('linux.devices[].fileMode', device['fileMode']),
      UID: unsigned('linux.devices[].uid', device['uid']),
      GID: unsigned('linux.devices[].gid', device['gid']),
    })),
    Sysctl: new Map(Object.entries(linux.sysctl ?? {})),
    ...(linux.seccomp === undefined ? {} : { Seccomp: seccompOf(linux.seccomp) }),
    RootfsPropagation: linux.rootfsPropagation ?? '',
    MaskedPaths: linux.maskedPaths ?? [],
    ReadonlyPaths: linux.readonlyPaths ?? [],
    MountLabel: text('linux.mountLabel', linux['mountLabel']),
  };
}

/** A configuration as the agent's API has it; throws `NotExpressible` where that has no word for it. `bundle` holds the root. */
export function specOf(config: OciConfig, bundle: string): Init<Spec> {
  only('', config, ['ociVersion', 'process', 'root', 'hostname', 'mounts', 'annotations', 'linux']);
  const root = config.root as OciConfig['root'] | undefined;
  return {
    Version: config.ociVersion,
    Process: processOf(config.process),
    ...(root === undefined ? {} : { Root: { Path: join(bundle, root.path), Readonly: root.readonly ?? false } }),
    Hostname: config.hostname ?? '',
    Mounts: config.mounts.map((mount) => {
      only('mounts[].', mount, ['destination', 'type', 'source', 'options']);
      const { destination, type = '', source = '', options = [] } = mount as Partial<typeof mount>;
      return { destination: destination ?? '', type, source, options };
    }),
    Annotations: new Map([
      ['io.katacontainers.pkg.oci.container_type', 'single_container'],
      ...Object.entries(config.annotations ?? {}),
    ]),
    Linux: linuxOf(config.linux),
  };
}
