/** A kernel we build: which fragments it is made of and what it may weigh. */
export interface KernelConfiguration {
  readonly name: string;
  /** What it is for, one line, shown by the command. */
  readonly purpose: string;
  readonly fragments: readonly string[];
  /** Largest accepted bzImage in bytes; a bigger one fails the build. */
  readonly maxBzImageBytes: number;
  /** File names below `build/<arch>/`. */
  readonly outputs: { readonly vmlinuz: string; readonly vmlinux: string; readonly config: string };
  /** Build steps of a build from nothing, as measured; only the estimate of the first build depends on it. */
  readonly expectedSteps: number;
}

const MIB = 1024 * 1024;

/** What both kernels need: the machine, its virtio devices, and everything a container is made of. */
const COMMON = [
  'base',
  'initrd',
  'x86_64',
  'acpi',
  'virtio-pci',
  'virtio-mmio',
  'vsock',
  'virtio-fs',
  '9p',
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
  'hardening',
] as const;

/** Small and quick to start: what our own host side asks of a guest. */
export const LEAN: KernelConfiguration = {
  name: 'lean',
  purpose: 'what the kihon command needs (q35 and microvm, virtio, vsock, virtio-fs, containers)',
  fragments: [...COMMON, 'no-usermode-helper', 'lean'],
  maxBzImageBytes: 4 * MIB,
  outputs: { vmlinuz: 'vmlinuz', vmlinux: 'vmlinux', config: 'kernel.config' },
  expectedSteps: 2013,
};

/** For an unmodified Kata host runtime: every device and feature of its QEMU command line. */
export const KATA: KernelConfiguration = {
  name: 'kata',
  purpose: 'for an unmodified Kata host: hotplug, SCSI, pmem, legacy virtio, xfs, dm-verity, netfilter',
  fragments: [
    ...COMMON,
    'acpi-hotplug',
    'memory-hotplug',
    'virtio-pci-legacy',
    'scsi',
    'pmem',
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
    'kata',
  ],
  maxBzImageBytes: 8 * MIB,
  outputs: { vmlinuz: 'vmlinuz-kata', vmlinux: 'vmlinux-kata', config: 'kernel-kata.config' },
  expectedSteps: 2788,
};

/** All configurations, in the order the command lists them. */
export const CONFIGURATIONS: readonly KernelConfiguration[] = [LEAN, KATA];

/** Finds a configuration by name; undefined if there is none of that name. */
export function findConfiguration(name: string): KernelConfiguration | undefined {
  return CONFIGURATIONS.find((configuration) => configuration.name === name);
}
