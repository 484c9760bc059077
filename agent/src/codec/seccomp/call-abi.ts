import { invalidArgument } from '../../base/errors.ts';

/** An ABI of system calls that processes of this machine can use. */
export interface CallAbi {
  /** libseccomp's name. */
  readonly name: string;
  /** AUDIT_ARCH_* of linux/audit.h, as the kernel reports it. */
  readonly audit: number;
  /** Added to the numbers of the table. */
  readonly base: number;
  /** Arguments have 32 bits. */
  readonly isNarrow: boolean;
  /** A second range of numbers, closed long ago: they say nothing about the age of a profile. */
  readonly closed: { readonly first: number; readonly count: number };
  /** Has socketcall(2) and ipc(2). */
  readonly isMultiplexing: boolean;
}

/** `__X32_SYSCALL_BIT` of asm/unistd.h */
export const x32Bit = 0x40000000;
/** arch/x86/entry/syscalls/syscall_64.tbl: 512 to 547, calls that x32 has of its own. */
const x32Calls = { first: 512, count: 36 };
/** `__ARM_NR_BASE` of asm/unistd.h: from breakpoint(1) to get_tls(6). */
const armCalls = { first: 0x0f0000, count: 7 };
const noCalls = { first: Number.POSITIVE_INFINITY, count: 0 };

const plain = { base: 0, isNarrow: false, closed: noCalls, isMultiplexing: false };

/** The ABIs of each kernel, its own first. */
const families: Readonly<Record<'x86_64' | 'aarch64', readonly CallAbi[]>> = {
  x86_64: [
    { ...plain, name: 'SCMP_ARCH_X86_64', audit: 0xc000003e },
    { ...plain, name: 'SCMP_ARCH_X86', audit: 0x40000003, isNarrow: true, isMultiplexing: true },
    { ...plain, name: 'SCMP_ARCH_X32', audit: 0xc000003e, isNarrow: true, base: x32Bit, closed: x32Calls },
  ],
  aarch64: [
    { ...plain, name: 'SCMP_ARCH_AARCH64', audit: 0xc00000b7 },
    { ...plain, name: 'SCMP_ARCH_ARM', audit: 0x40000028, isNarrow: true, closed: armCalls },
  ],
};

export type Family = keyof typeof families;

/**
 * Architectures that libseccomp knows and this kernel cannot run: a rule for one would never be reached, and a call that did come
 * from one is killed like every other foreign call.
 */
const foreign: ReadonlySet<string> = new Set(
  [
    'X86_64 X86 X32 AARCH64 ARM MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X RISCV64',
    'LOONGARCH64 M68K PARISC PARISC64 SH SHEB',
  ].flatMap((line) => line.split(' ').map((name) => `SCMP_ARCH_${name}`)),
);

/** The ABIs a profile is for: the machine's own always, and those it names. Throws for a name that is no architecture. */
export function selectAbis(family: Family, names: readonly string[]): readonly CallAbi[] {
  const known = families[family];
  names.forEach((name, index) => {
    if (!foreign.has(name) && name !== 'SCMP_ARCH_NATIVE')
      throw invalidArgument(`linux.seccomp.architectures[${index}]`, `unknown architecture ${JSON.stringify(name)}`);
  });
  return known.filter((abi, index) => index === 0 || names.includes(abi.name));
}

/** The names a profile may give. */
export const architectureNames: readonly string[] = [...foreign];
