/** The series that is built when nobody asks for another: that of the machine's own Debian package. */
export const DEFAULT_SERIES = '6.12';

/** File names of a finished kernel. */
export interface KernelOutputs {
  readonly vmlinuz: string;
  readonly vmlinux: string;
  readonly config: string;
  readonly systemMap: string;
  readonly sizes: string;
  /** Names and lines of the source for a debugger, which `vmlinux` is stripped of; only where the kernel is made with them. */
  readonly lines?: string;
}

/** A kernel we build: which fragments it is made of and what it may weigh. */
export interface KernelConfiguration {
  readonly name: string;
  /** What it is for, one line, shown by the command. */
  readonly purpose: string;
  readonly fragments: readonly string[];
  /** Largest accepted compressed image of x86_64 in bytes, of any series; a bigger one fails the build. */
  readonly maxImageBytes: number;
  /** First series in which code that runs seldom (`cold-code.conf`) is compiled for size, on x86_64. */
  readonly smallColdCodeSince?: string;
  /** Series whose headers are compiled once for most objects on x86_64: those that were compared with the other way (`run-make.ts`). */
  readonly precompiledSeries?: readonly string[];
  /** File names below `build/<arch>/`. */
  readonly outputs: KernelOutputs;
  /** Build steps of a build from nothing, as measured; only the estimate of the first build depends on it. */
  readonly expectedSteps: number;
}

const MIB = 1024 * 1024;

/** What all kernels need: the machine, its virtio devices, what a guest may boot from, and everything a container is made of. */
const COMMON = [
  'base',
  'lazy-preemption',
  'initrd',
  'machine',
  'acpi',
  'virtio-pci',
  'virtio-mmio',
  'vsock',
  'virtio-fs',
  'block',
  'console',
  'clock',
  'entropy',
  'net',
  'namespaces',
  'cgroup',
  'bpf',
  'seccomp',
  'landlock',
  'filesystems',
  'overlay',
  'verity',
  'pmem',
  'scsi',
  'acpi-hotplug',
  'memory-hotplug',
  'hardening',
] as const;

/** Small and quick to start: what our own host side asks of a guest. */
export const LEAN: KernelConfiguration = {
  name: 'lean',
  purpose: 'what the kihon command needs (q35, microvm and virt; virtio, vsock, virtio-fs, images, containers)',
  fragments: [...COMMON, 'no-debug', 'no-usermode-helper', 'lean'],
  maxImageBytes: 4 * MIB,
  // 6.12 is small enough; 7.2 has 8 % more code for the same requests.
  smallColdCodeSince: '6.13',
  precompiledSeries: ['6.12', '7.2'],
  outputs: outputs(''),
  expectedSteps: 2013,
};

/** What Kata's kernel has and ours does not need. */
const KATA_FRAGMENTS = [
  ...COMMON,
  '9p',
  'kallsyms',
  'firmware',
  'pci-hotplug',
  'virtio-pci-legacy',
  'pmem-extra',
  'device-mapper',
  'numa',
  'vfio',
  'cgroup-extra',
  'filesystems-extra',
  'overlay-extra',
  'net-virtual',
  'netfilter',
  'lsm',
  'kaslr',
  'return-thunks',
  'mlx5',
  'cifs',
  'cpu',
  'rtc',
  'kata',
] as const;

/** For an unmodified Kata host runtime: every device and feature of its QEMU command line. */
export const KATA: KernelConfiguration = {
  name: 'kata',
  purpose: 'for an unmodified Kata host: hotplug, SCSI, pmem, legacy virtio, xfs, dm-verity, netfilter',
  fragments: [...KATA_FRAGMENTS, 'no-debug'],
  maxImageBytes: 8 * MIB,
  outputs: outputs('-kata'),
  expectedSteps: 2788,
};

/** To look into a problem: the kata kernel with tracing, probes, types for BPF and lines for a debugger. */
export const DEBUG: KernelConfiguration = {
  name: 'debug',
  purpose: 'the kata kernel with tracing, probes, BTF and DWARF',
  fragments: [...KATA_FRAGMENTS, 'debug'],
  maxImageBytes: 16 * MIB,
  outputs: { ...outputs('-debug'), lines: 'vmlinux-debug.debug' },
  expectedSteps: 2900,
};

/** For guests whose memory the host cannot read: SEV-SNP, TDX, Arm CCA, Secure Execution. */
export const CONFIDENTIAL: KernelConfiguration = {
  name: 'confidential',
  purpose: 'the kata kernel as a guest of SEV-SNP, TDX, Arm CCA and Secure Execution',
  fragments: [...KATA_FRAGMENTS, 'no-debug', 'confidential'],
  maxImageBytes: 8.5 * MIB,
  outputs: outputs('-confidential'),
  expectedSteps: 2900,
};

/** All configurations, in the order the command lists them. */
export const CONFIGURATIONS: readonly KernelConfiguration[] = [LEAN, KATA, DEBUG, CONFIDENTIAL];

/** Finds a configuration by name; undefined if there is none of that name. */
export function findConfiguration(name: string): KernelConfiguration | undefined {
  return CONFIGURATIONS.find((configuration) => configuration.name === name);
}

function outputs(suffix: string): KernelOutputs {
  return {
    vmlinuz: `vmlinuz${suffix}`,
    vmlinux: `vmlinux${suffix}`,
    config: `kernel${suffix}.config`,
    systemMap: `System.map${suffix}`,
    sizes: `kernel${suffix}-sizes.json`,
  };
}
