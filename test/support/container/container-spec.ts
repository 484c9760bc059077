import type { Init } from '../../../agent/src/codec/protobuf/message-codec.ts';
import type { CreateContainerRequest, Linux, Mount, Process, Spec } from '../../../proto/gen/agent.js';

/** What containerd gives root in a container by default. */
export const DEFAULT_CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL'],
  'CAP_AUDIT_WRITE',
];

const HIDDEN = [
  ...['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
  ...['/proc/timer_stats', '/proc/sched_debug', '/sys/firmware', '/proc/scsi'],
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** What a test says about a container; the rest is as Kata's host sends it for containerd's default. */
export interface ContainerOptions {
  readonly root: string;
  /** A shell script, or the arguments as they are. */
  readonly run?: string | readonly string[] | undefined;
  readonly terminal?: boolean | undefined;
  readonly env?: readonly string[] | undefined;
  /** Changes to the process, the linux part and the whole; each wins over the default field by field. */
  readonly process?: Init<Process> | undefined;
  readonly linux?: Init<Linux> | undefined;
  readonly spec?: Init<Spec> | undefined;
  /** More mounts, after the default ones. */
  readonly mounts?: readonly Init<Mount>[] | undefined;
  /** More fields of the request. */
  readonly request?: Init<CreateContainerRequest> | undefined;
}

/** The arguments of `run`: text is a script for the shell. */
export function commandLine(run: string | readonly string[]): readonly string[] {
  return typeof run === 'string' ? ['/bin/sh', '-c', run] : run;
}

/** A process as containerd describes it, with all default capabilities. */
export function processSpec(options: Pick<ContainerOptions, 'run' | 'terminal' | 'env' | 'process'>): Init<Process> {
  return {
    Terminal: options.terminal ?? false,
    User: { UID: 0, GID: 0, AdditionalGids: [0] },
    Args: commandLine(options.run ?? 'sleep 600'),
    Env: options.env ?? ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'],
    Cwd: '/',
    Capabilities: {
      Bounding: DEFAULT_CAPABILITIES,
      Effective: DEFAULT_CAPABILITIES,
      Permitted: DEFAULT_CAPABILITIES,
    },
    Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 1024n, Soft: 1024n }],
    NoNewPrivileges: true,
    ...options.process,
  };
}

/** The mounts of containerd's default spec; /dev/shm is a tmpfs, since not every test makes the sandbox's. */
export const DEFAULT_MOUNTS: readonly Init<Mount>[] = [
  mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
  mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
  mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
  mount('/dev/shm', 'shm', 'tmpfs', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
  mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
  mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
  mount('/run', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
];

/** A mount of a spec. */
export function mount(destination: string, source: string, type: string, ...options: readonly string[]): Init<Mount> {
  return { destination, source, type, options };
}

/** The spec of a container. */
export function containerSpec(id: string, options: ContainerOptions): Init<Spec> {
  return {
    Version: '1.0.2-dev',
    Process: processSpec(options),
    Root: { Path: options.root },
    Mounts: [...DEFAULT_MOUNTS, ...(options.mounts ?? [])],
    Annotations: new Map([['io.katacontainers.pkg.oci.container_type', 'single_container']]),
    Linux: {
      Resources: {},
      CgroupsPath: `/default/${id}`,
      Namespaces: [{ Type: 'ipc' }, { Type: 'uts' }, { Type: 'mount' }],
      MaskedPaths: HIDDEN,
      ReadonlyPaths: READ_ONLY,
      ...options.linux,
    },
    ...options.spec,
  };
}

/** The whole CreateContainer request. */
export function createRequest(id: string, options: ContainerOptions): Init<CreateContainerRequest> {
  return { container_id: id, exec_id: id, OCI: containerSpec(id, options), ...options.request };
}
