/** Configurations of the kinds that reach a runtime, written by hand. */

const capabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** The smallest configuration there is. */
export function minimalConfig(): Record<string, unknown> {
  return {
    ociVersion: '1.2.0',
    process: { cwd: '/', args: ['true'], user: { uid: 0, gid: 0 } },
    root: { path: 'rootfs' },
    linux: { namespaces: [{ type: 'mount' }] },
  };
}

/** As a cluster's container engine writes it: sandbox namespaces by path, a cgroup of a pod, annotations. */
export function clusterConfig(): Record<string, unknown> {
  return {
    ociVersion: '1.2.0',
    process: {
      user: { uid: 1000, gid: 1000, additionalGids: [1000, 2000] },
      args: ['/pause'],
      env: ['PATH=/usr/bin:/bin', 'HOSTNAME=web-0', 'EMPTY='],
      cwd: '/srv',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
      oomScoreAdj: -998,
      apparmorProfile: 'cri-default',
    },
    root: { path: '/run/engine/tasks/web-0/rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/etc/hosts',
        type: 'bind',
        source: '/var/lib/pods/1/etc-hosts',
        options: ['rbind', 'rprivate', 'rw'],
      },
      { destination: '/data', type: 'none', source: 'volume', options: ['bind', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'relatime', 'ro'] },
    ],
    annotations: { 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': 'abc' },
    linux: {
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
          { allow: true, type: 'c', major: 136, minor: -1, access: 'rwm' },
        ],
        memory: { limit: 9223372036854771712, swap: 9223372036854771712 },
        cpu: { shares: 102, quota: 20000, period: 100000 },
        pids: { limit: -1 },
        hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
        unified: { 'memory.oom.group': '1' },
      },
      cgroupsPath: '/kubepods/burstable/pod1/abc',
      namespaces: [
        { type: 'pid' },
        { type: 'ipc', path: '/proc/4711/ns/ipc' },
        { type: 'uts', path: '/proc/4711/ns/uts' },
        { type: 'mount' },
        { type: 'network', path: '/proc/4711/ns/net' },
        { type: 'cgroup' },
      ],
      maskedPaths: ['/proc/asound', '/proc/acpi'],
      readonlyPaths: ['/proc/bus', '/proc/sys'],
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
        syscalls: [
          { names: ['read', 'write', 'exit_group'], action: 'SCMP_ACT_ALLOW' },
          {
            names: ['personality'],
            action: 'SCMP_ACT_ALLOW',
            args: [{ index: 0, value: 0xffffffff, op: 'SCMP_CMP_EQ' }],
          },
        ],
      },
    },
  };
}

/** As a workstation's engine writes it: a user namespace, a terminal, hooks, sysctls, `null` for what it has not. */
export function workstationConfig(): Record<string, unknown> {
  return {
    ociVersion: '1.0.2-dev',
    process: {
      terminal: true,
      consoleSize: { height: 24, width: 80 },
      user: { uid: 0, gid: 0, umask: 18, additionalGids: null },
      args: ['/bin/bash', '-l'],
      env: ['TERM=xterm', 'container=engine'],
      cwd: '/root',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: null },
      rlimits: [
        { type: 'RLIMIT_NOFILE', hard: 1048576, soft: 1048576 },
        { type: 'RLIMIT_NPROC', hard: 127544, soft: 127544 },
      ],
      noNewPrivileges: false,
      oomScoreAdj: 0,
      commandLine: '',
    },
    root: { path: '/home/user/.local/share/containers/overlay/x/merged', readonly: false },
    hostname: 'box',
    domainname: 'example.org',
    mounts: [
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      { destination: '/run/secrets', type: 'bind', source: '/run/user/1000/secrets', options: ['bind', 'rprivate'] },
      { destination: 'relative', type: 'tmpfs', source: 'tmpfs', options: null },
    ],
    hooks: {
      prestart: null,
      createRuntime: [{ path: '/usr/libexec/hook', args: ['hook', 'create'], env: ['A=b'], timeout: 5 }],
      poststop: [{ path: '/usr/libexec/hook', args: ['hook', 'stop'] }],
    },
    annotations: null,
    linux: {
      uidMappings: [
        { containerID: 0, hostID: 1000, size: 1 },
        { containerID: 1, hostID: 100000, size: 65536 },
      ],
      gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      sysctl: { 'net.ipv4.ping_group_range': '0 0' },
      resources: { pids: { limit: 2048 }, devices: null },
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o20666, uid: 0, gid: 0 }],
      namespaces: [{ type: 'user' }, { type: 'mount' }, { type: 'uts' }, { type: 'network' }, { type: 'time' }],
      timeOffsets: { monotonic: { secs: -86400, nanosecs: 5 }, boottime: { secs: 100 } },
      rootfsPropagation: 'rslave',
      mountLabel: '',
    },
    windows: { layerFolders: ['C:\\layers'] },
    'org.example.unknown': { nested: [{ deep: { a: 1 } }, 'x'] },
  };
}
