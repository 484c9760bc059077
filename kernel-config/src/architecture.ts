/** What the kernel's make needs to know about an architecture, and what it leaves behind. */
export interface Architecture {
  /** As `uname -m` says it. */
  readonly name: string;
  /** Value of `ARCH=`. */
  readonly makeArch: string;
  /** The kernel's folder below `arch/` (`SRCARCH`). */
  readonly sourceArch: string;
  /** Prefix of the cross compiler's programs, as Debian names them. */
  readonly crossPrefix: string;
  /** Debian package of the cross compiler. */
  readonly crossPackage: string;
  /** Targets of make. */
  readonly targets: readonly string[];
  /** The compressed image (`vmlinuz`), below the object tree; undefined where there is none: then it is a copy of `direct`. */
  readonly compressed: string | undefined;
  /** What a VMM loads without decompressing (`vmlinux`), below the object tree. */
  readonly direct: string;
  /** Whether `direct` is an ELF that is stripped of its symbols; else it is taken as it is. */
  readonly isStripped: boolean;
  /** Whether it must have a PVH entry. */
  readonly hasPvh: boolean;
}

/** The architectures that have fragments. */
export const ARCHITECTURES: readonly Architecture[] = [
  {
    name: 'x86_64',
    makeArch: 'x86_64',
    sourceArch: 'x86',
    crossPrefix: 'x86_64-linux-gnu-',
    crossPackage: 'gcc-x86-64-linux-gnu',
    targets: ['bzImage', 'vmlinux'],
    compressed: 'arch/x86/boot/bzImage',
    direct: 'vmlinux',
    isStripped: true,
    hasPvh: true,
  },
  {
    name: 'aarch64',
    makeArch: 'arm64',
    sourceArch: 'arm64',
    crossPrefix: 'aarch64-linux-gnu-',
    crossPackage: 'gcc-aarch64-linux-gnu',
    targets: ['Image', 'Image.gz'],
    compressed: 'arch/arm64/boot/Image.gz',
    direct: 'arch/arm64/boot/Image',
    isStripped: false,
    hasPvh: false,
  },
  {
    name: 'ppc64le',
    makeArch: 'powerpc',
    sourceArch: 'powerpc',
    crossPrefix: 'powerpc64le-linux-gnu-',
    crossPackage: 'gcc-powerpc64le-linux-gnu',
    targets: ['vmlinux'],
    compressed: undefined,
    direct: 'vmlinux',
    isStripped: true,
    hasPvh: false,
  },
  {
    name: 's390x',
    makeArch: 's390',
    sourceArch: 's390',
    crossPrefix: 's390x-linux-gnu-',
    crossPackage: 'gcc-s390x-linux-gnu',
    targets: ['bzImage'],
    compressed: 'arch/s390/boot/bzImage',
    // The decompressor's own ELF is what QEMU's -kernel takes besides the bzImage.
    direct: 'arch/s390/boot/vmlinux',
    isStripped: true,
    hasPvh: false,
  },
  {
    name: 'riscv64',
    makeArch: 'riscv',
    sourceArch: 'riscv',
    crossPrefix: 'riscv64-linux-gnu-',
    crossPackage: 'gcc-riscv64-linux-gnu',
    targets: ['Image', 'Image.gz'],
    compressed: 'arch/riscv/boot/Image.gz',
    direct: 'arch/riscv/boot/Image',
    isStripped: false,
    hasPvh: false,
  },
];

/** Finds an architecture by the name `uname -m` gives it. */
export function findArchitecture(name: string): Architecture | undefined {
  return ARCHITECTURES.find((architecture) => architecture.name === name);
}

/** This machine's architecture in the same words. */
export function hostArchitecture(nodeArch: string = process.arch): string {
  switch (nodeArch) {
    case 'x64':
      return 'x86_64';
    case 'arm64':
      return 'aarch64';
    case 'ppc64':
      return 'ppc64le';
    default:
      return nodeArch;
  }
}
