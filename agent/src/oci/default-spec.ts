/** For whom a new bundle's configuration is made. */
export interface DefaultSpecOptions {
  /** The ids of an ordinary user, who becomes root in a user namespace; undefined: for root. */
  readonly rootless?: { readonly uid: number; readonly gid: number } | undefined;
  /** The machine has cgroup v2 alone, where a container is better off with a cgroup namespace. */
  readonly hasCgroupNamespace?: boolean;
}

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const guarded = ['nosuid', 'noexec', 'nodev'];

const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/sys/firmware',
  '/proc/scsi',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

function mounts(isRootless: boolean): readonly object[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      // The group of terminals is not mapped in a user namespace of one id.
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(isRootless ? [] : ['gid=5'])],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...guarded, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: guarded },
    // Without a network namespace of one's own the kernel refuses a new sysfs.
    isRootless
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...guarded, 'ro'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...guarded, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...guarded, 'relatime', 'ro'] },
  ];
}

function linux({ rootless, hasCgroupNamespace = false }: DefaultSpecOptions): object {
  const names = [
    'pid',
    ...(rootless === undefined ? ['network'] : []),
    'ipc',
    'uts',
    'mount',
    ...(hasCgroupNamespace ? ['cgroup'] : []),
    ...(rootless === undefined ? [] : ['user']),
  ];
  const mapping = (hostID: number): readonly object[] => [{ containerID: 0, hostID, size: 1 }];
  return {
    ...(rootless === undefined
      ? { resources: { devices: [{ allow: false, access: 'rwm' }] } }
      : { uidMappings: mapping(rootless.uid), gidMappings: mapping(rootless.gid) }),
    namespaces: names.map((type) => ({ type })),
    maskedPaths,
    readonlyPaths,
  };
}

/**
 * The configuration that `kihon-oci spec` writes: a shell on a terminal in a read-only root, as `runc spec` has it. JSON with
 * tabs.
 */
export function defaultSpecJson(options: DefaultSpecOptions = {}): string {
  const spec = {
    ociVersion: '1.2.1',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      // No ambient set: without inheritable capabilities the kernel has nothing to raise (capabilities(7)).
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'kihon',
    mounts: mounts(options.rootless !== undefined),
    linux: linux(options),
  };
  return JSON.stringify(spec, null, '\t');
}
