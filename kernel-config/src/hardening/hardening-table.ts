/** One opinion about a symbol. */
export interface HardeningRule {
  readonly symbol: string;
  readonly wanted: 'on' | 'off';
  readonly group: 'memory' | 'processor' | 'surface' | 'privilege';
  /** What it protects from, or what it would open. */
  readonly why: string;
  /** Only these architectures have it; all when it is not given. */
  readonly architectures?: readonly string[];
  /** By configuration: why it is otherwise there, on purpose. */
  readonly otherwise?: Readonly<Record<string, string>>;
}

const X86 = ['x86_64'];
const ARM = ['aarch64'];
const NOT_IN_KATA = (reason: string): Record<string, string> => ({ kata: reason, confidential: reason, debug: reason });
const RETURN_THUNKS = { lean: '0.1 s of each start without KVM; `--with return-thunks` adds it' };
const TRACING = { debug: 'this kernel is for looking inside' };

/** Our table: what a guest kernel that runs other people's containers should have and should not have. */
export const HARDENING: readonly HardeningRule[] = [
  on(
    'memory',
    'STACKPROTECTOR_STRONG',
    'an overflow of a buffer on the stack ends in a panic, not in a return address',
  ),
  on('memory', 'VMAP_STACK', 'an overflow of the stack hits a guard page', ['x86_64', 'aarch64', 'riscv64', 's390x']),
  on('memory', 'FORTIFY_SOURCE', 'string functions know the size of their target'),
  on('memory', 'HARDENED_USERCOPY', 'a copy to or from a program cannot cross the bounds of a kernel object'),
  on('memory', 'SLAB_FREELIST_HARDENED', 'a freed object does not show or take pointers of the allocator'),
  on('memory', 'INIT_STACK_ALL_ZERO', 'no old stack content in variables'),
  on('memory', 'STRICT_KERNEL_RWX', 'code cannot be written, data cannot be run'),
  on('memory', 'RANDOMIZE_KSTACK_OFFSET', 'each system call starts at another place of the stack', [
    'x86_64',
    'aarch64',
    's390x',
    'riscv64',
    'ppc64le',
  ]),
  {
    ...on('memory', 'RANDOMIZE_BASE', 'the kernel is not where everybody knows', [
      'x86_64',
      'aarch64',
      's390x',
      'riscv64',
    ]),
    otherwise: { lean: 'a vmlinux entered through PVH always runs where it was linked' },
  },
  {
    ...on('memory', 'INIT_ON_ALLOC_DEFAULT_ON', 'no old content in allocated memory'),
    otherwise: {
      lean: 'each page would be written twice; `init_on_alloc=1` switches it on where it is built in',
      ...NOT_IN_KATA("Kata's kernel does not either; it costs up to a tenth of the speed"),
    },
  },
  on('processor', 'CPU_MITIGATIONS', 'workarounds for flaws of processors', ['x86_64']),
  on('processor', 'MITIGATION_PAGE_TABLE_ISOLATION', 'Meltdown', X86),
  on('processor', 'MITIGATION_RETPOLINE', 'Spectre variant 2', X86),
  on('processor', 'MITIGATION_SPECTRE_BHI', 'branch history injection', X86),
  on('processor', 'MITIGATION_SPECTRE_V1', 'Spectre variant 1', X86),
  on('processor', 'MITIGATION_SSB', 'speculative store bypass', X86),
  on('processor', 'MITIGATION_MDS', 'data left in buffers of the processor', X86),
  on('processor', 'MITIGATION_L1TF', 'L1 terminal fault', X86),
  on('processor', 'MITIGATION_GDS', 'gather data sampling', X86),
  on('processor', 'MITIGATION_RFDS', 'register file data sampling', X86),
  on('processor', 'MITIGATION_TSA', 'transient scheduler attacks', X86),
  { ...on('processor', 'MITIGATION_RETHUNK', 'Retbleed and what returns mispredict', X86), otherwise: RETURN_THUNKS },
  { ...on('processor', 'MITIGATION_SRSO', 'speculative return stack overflow', X86), otherwise: RETURN_THUNKS },
  { ...on('processor', 'MITIGATION_ITS', 'indirect target selection', X86), otherwise: RETURN_THUNKS },
  on('processor', 'X86_UMIP', 'programs cannot read the places of descriptor tables', X86),
  on('processor', 'UNMAP_KERNEL_AT_EL0', 'Meltdown', ARM),
  on('processor', 'MITIGATE_SPECTRE_BRANCH_HISTORY', 'Spectre-BHB', ARM),
  on('processor', 'ARM64_PTR_AUTH_KERNEL', 'return addresses of the kernel are signed', ARM),
  on('processor', 'ARM64_BTI', 'indirect branches of programs land where the compiler said', ARM),
  on('processor', 'ARM64_PAN', 'the kernel cannot read what belongs to a program by mistake', ARM),
  on('processor', 'ARM64_E0PD', 'no timing of kernel addresses from programs', ARM),
  on('privilege', 'SECCOMP_FILTER', 'profiles of containers'),
  on('privilege', 'SECURITY_LANDLOCK', 'programs confine themselves'),
  on('privilege', 'SECURITY_DMESG_RESTRICT', "a container does not read the kernel's log"),
  on('privilege', 'BPF_UNPRIV_DEFAULT_OFF', 'BPF programs only from the privileged'),
  on('privilege', 'BPF_JIT_ALWAYS_ON', 'no interpreter that runs what an attacker can write'),
  {
    ...on('privilege', 'STATIC_USERMODEHELPER', 'the kernel starts no program whose name a container could write'),
    otherwise: NOT_IN_KATA('Kata images use modprobe and core dumps'),
  },
  off('surface', 'VSOCKETS_LOOPBACK', 'a container could call the agent from inside the VM (VMB-01)'),
  off('surface', 'MODULES', 'nothing can be loaded into the kernel'),
  off('surface', 'KEXEC', 'no other kernel in the place of this one'),
  off('surface', 'KEXEC_FILE', 'no other kernel in the place of this one'),
  off('surface', 'HIBERNATION', "no image of the kernel's memory on a disk"),
  off('surface', 'IO_URING', 'a second way to all system calls, which seccomp does not see'),
  off('surface', 'USERFAULTFD', 'lets a program stop the kernel in the middle of a copy'),
  off(
    'surface',
    'CRYPTO_USER_API_HASH',
    'the ciphers of the kernel, with their history of flaws, for everybody (AF_ALG)',
  ),
  off('surface', 'CRYPTO_USER_API_SKCIPHER', 'the same'),
  off('surface', 'CRYPTO_USER_API_AEAD', 'the same'),
  off('surface', 'CRYPTO_USER', 'configuring ciphers from a program'),
  off('surface', 'DEVMEM', 'physical memory as a file'),
  off('surface', 'DEVPORT', 'ports as a file', X86),
  off('surface', 'PROC_KCORE', "the kernel's memory as a core file"),
  { ...off('surface', 'DEBUG_FS', 'files that were written for developers'), otherwise: TRACING },
  { ...off('surface', 'MAGIC_SYSRQ', 'keys and a file that do what they like'), otherwise: TRACING },
  { ...off('surface', 'KPROBES', 'hooks anywhere in the kernel'), otherwise: TRACING },
  { ...off('surface', 'FTRACE', 'the same for functions'), otherwise: TRACING },
  off('surface', 'LEGACY_PTYS', 'terminals that everybody may open'),
  off('surface', 'LEGACY_TIOCSTI', 'putting words into the mouth of a terminal'),
  off('surface', 'LDISC_AUTOLOAD', 'line disciplines on demand'),
  off('surface', 'IA32_EMULATION', 'a second set of system calls', X86),
  off('surface', 'X86_X32_ABI', 'a third set of system calls', X86),
  off('surface', 'COMPAT', 'a second set of system calls', ['aarch64', 'ppc64le', 's390x', 'riscv64']),
  off('surface', 'X86_MSR', "the processor's own registers as a file", X86),
  off('surface', 'X86_IOPL_IOPERM', 'ports for programs', X86),
  {
    ...off('surface', 'MODIFY_LDT_SYSCALL', 'segments nobody has used since 16-bit programs', X86),
    otherwise: NOT_IN_KATA('Kata has it, for very old programs'),
  },
  off('surface', 'MEMCG_V1', 'the agent uses cgroup v2; release agents of v1 have been a way out'),
  off('surface', 'IP_DCCP', 'protocols with more flaws than users'),
  off('surface', 'TIPC', 'the same'),
  off('surface', 'RDS', 'the same'),
  off('surface', 'NET_KEY', 'the old interface of IPsec'),
  {
    ...off('surface', 'BINFMT_MISC', 'a mounted table of interpreters'),
    otherwise: NOT_IN_KATA('Kata has it; the agent mounts it on request'),
  },
  {
    ...off('surface', 'COREDUMP', 'a pattern that names a program'),
    otherwise: NOT_IN_KATA('Kata has it'),
  },
];

function on(
  group: HardeningRule['group'],
  symbol: string,
  why: string,
  architectures?: readonly string[],
): HardeningRule {
  return { group, symbol, wanted: 'on', why, ...(architectures ? { architectures } : {}) };
}

function off(
  group: HardeningRule['group'],
  symbol: string,
  why: string,
  architectures?: readonly string[],
): HardeningRule {
  return { group, symbol, wanted: 'off', why, ...(architectures ? { architectures } : {}) };
}
