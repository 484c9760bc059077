/** Building of OCI bundles: a `config.json` that tests change freely, wrong values included. Pure. */

export type CapabilitySet = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient';

/** Names as in the specification; the index signatures let a test say what no valid configuration says. */
export interface OciProcess {
  terminal?: boolean;
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: Partial<Record<CapabilitySet, string[]>>;
  rlimits?: { type: string; soft: number; hard: number }[];
  noNewPrivileges?: boolean;
  oomScoreAdj?: number;
  [more: string]: unknown;
}

export interface OciMount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  [more: string]: unknown;
}

export interface OciHook {
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}

export type HookPoint = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

export interface OciIdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface OciLinux {
  namespaces: { type: string; path?: string }[];
  uidMappings?: OciIdMapping[];
  gidMappings?: OciIdMapping[];
  devices?: Record<string, unknown>[];
  cgroupsPath?: string;
  resources?: Record<string, unknown>;
  sysctl?: Record<string, string>;
  seccomp?: Record<string, unknown>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  rootfsPropagation?: string;
  [more: string]: unknown;
}

export interface OciConfig {
  ociVersion: string;
  process: OciProcess;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: OciMount[];
  hooks?: Partial<Record<HookPoint, OciHook[]>>;
  annotations?: Record<string, string>;
  linux: OciLinux;
  [more: string]: unknown;
}

/** A test's changes to the default configuration. */
export type Edit = (config: OciConfig) => void;

/** What containerd gives root in a container by default. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL'],
  'CAP_AUDIT_WRITE',
];

/** A mount entry. */
export function mount(destination: string, type: string, source: string, ...options: string[]): OciMount {
  return { destination, type, source, options };
}

/** The mounts that every Linux program expects (config-linux.md, default filesystems). */
function defaultMounts(): OciMount[] {
  return [
    mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
    mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
    mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
    mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
    mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
  ];
}

/** A container with a shell: `run` is a script, or arguments as they are. Its cgroup bears its id. */
export function defaultConfig(id: string, run: string | readonly string[]): OciConfig {
  const capabilities = [...DEFAULT_CAPABILITIES];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: typeof run === 'string' ? ['/bin/sh', '-c', run] : [...run],
      env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: defaultMounts(),
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
    },
  };
}

/** Adds a user namespace with container ids 0.. at host ids `hostID`.. */
export function withUserNamespace(config: OciConfig, hostID = 100_000, size = 65_536): void {
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID, size }];
  config.linux.gidMappings = [{ containerID: 0, hostID, size }];
}

/** Takes the namespace of a type out of the configuration. */
export function withoutNamespace(config: OciConfig, type: string): void {
  config.linux.namespaces = config.linux.namespaces.filter((namespace) => namespace.type !== type);
}
