import type { Init } from '../../agent/src/codec/protobuf/message-codec.ts';
import type { Process, Spec } from '../../proto/gen/agent.js';
import { DEFAULT_CAPABILITIES } from './default-capabilities.ts';
import type { ResolvedUser } from './rootfs-users.ts';
import { guestRootfs, guestVolumeSource, type Volume } from './volume.ts';

/** Where the agent keeps the sandbox's shared /dev/shm. */
export const SANDBOX_SHM = '/run/kata-containers/sandbox/shm';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Kernel files that tell about, or reach, more than the container. */
const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** What a process is, whether first or added later. */
export interface ProcessOptions {
  /** Program and arguments. */
  readonly args: readonly string[];
  /** `K=V` each; they win over the defaults. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: ResolvedUser;
  readonly hasTerminal: boolean;
}

export interface ContainerOptions extends ProcessOptions {
  readonly containerId: string;
  readonly hostname: string;
  readonly volumes: readonly Volume[];
  readonly isReadOnly: boolean;
}

/** Later entries win; the order of first appearance stays. */
export function mergeEnvironment(...lists: readonly (readonly string[])[]): string[] {
  const byName = new Map<string, string>();
  for (const entry of lists.flat()) byName.set(entry.slice(0, entry.indexOf('=')), entry);
  return [...byName.values()];
}

/** The process part of a spec: the default capabilities, no new privileges, the environment that every program expects. */
export function processSpec(options: ProcessOptions): Init<Process> {
  const defaults = [`PATH=${DEFAULT_PATH}`, `HOME=${options.user.home}`];
  if (options.hasTerminal) defaults.push('TERM=xterm');
  // A user other than root gets the bounding set only, as containerd has it: an exec by a non-root user drops the rest anyway.
  const granted = options.user.uid === 0 ? DEFAULT_CAPABILITIES : [];
  return {
    Terminal: options.hasTerminal,
    User: {
      UID: options.user.uid,
      GID: options.user.gid,
      AdditionalGids: options.user.additionalGids,
    },
    Args: options.args,
    Env: mergeEnvironment(defaults, options.env),
    Cwd: options.cwd,
    Capabilities: {
      Bounding: DEFAULT_CAPABILITIES,
      Effective: granted,
      Permitted: granted,
      Inheritable: [],
      Ambient: [],
    },
    Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 1024n, Soft: 1024n }],
    NoNewPrivileges: true,
  };
}

/**
 * The spec of a whole container, like the default of containerd with what Kata's host changes: /dev/shm is the sandbox's,
 * the root filesystem and the volumes come from the shared directory, and there is no network namespace entry.
 */
export function containerSpec(options: ContainerOptions): Init<Spec> {
  return {
    Version: '1.0.2',
    Process: processSpec(options),
    Root: { Path: guestRootfs(options.containerId), Readonly: options.isReadOnly },
    Hostname: options.hostname,
    Mounts: [
      mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
      mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
      mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
      mount('/dev/shm', SANDBOX_SHM, 'bind', 'rbind'),
      mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
      mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
      mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'ro'),
      mount('/run', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
      ...options.volumes.map((volume) =>
        mount(
          volume.destination,
          guestVolumeSource(options.containerId, volume),
          'bind',
          'rbind',
          volume.readOnly ? 'ro' : 'rw',
        ),
      ),
    ],
    Annotations: new Map([['io.katacontainers.pkg.oci.container_type', 'single_container']]),
    Linux: {
      CgroupsPath: `/kihon/${options.containerId}`,
      // A pid namespace entry is left out, as Kata's host does: the agent makes a new one.
      Namespaces: [{ Type: 'mount' }, { Type: 'ipc' }, { Type: 'uts' }, { Type: 'cgroup' }],
      MaskedPaths: MASKED_PATHS,
      ReadonlyPaths: READONLY_PATHS,
    },
  };
}

function mount(destination: string, source: string, type: string, ...options: readonly string[]) {
  return { destination, source, type, options };
}
