/** Names and numbers of system calls for seccomp filters: every ABI that processes of one architecture's kernel can use. */
import type { Arch } from './arch.ts';
import { evaluate, macroNames } from './header-macros.ts';

interface CallAbi {
  /** libseccomp's name, as profiles write it. */
  readonly name: string;
  readonly source: string;
  /** Options that make the compiler see the headers of this ABI; undefined: those of the architecture. */
  readonly flags?: readonly string[];
}

const abis: Readonly<Record<Arch['name'], readonly CallAbi[]>> = {
  x86_64: [
    { name: 'SCMP_ARCH_X86_64', source: '#include <asm/unistd_64.h>\n' },
    { name: 'SCMP_ARCH_X86', source: '#include <asm/unistd_32.h>\n' },
    // Numbers without the bit that marks the ABI.
    { name: 'SCMP_ARCH_X32', source: '#define __X32_SYSCALL_BIT 0\n#include <asm/unistd_x32.h>\n' },
  ],
  aarch64: [
    { name: 'SCMP_ARCH_AARCH64', source: '#include <asm/unistd.h>\n' },
    {
      name: 'SCMP_ARCH_ARM',
      source: '#include <asm/unistd.h>\n',
      flags: ['-isystem', '/usr/arm-linux-gnueabihf/include', '-U__x86_64__', '-D__ARM_EABI__'],
    },
  ],
};

/**
 * Calls newer than the oldest headers we build with; since Linux 5.1 a new call has the same number everywhere
 * (scripts/syscall.tbl of the kernel). A profile that names one must not have it taken for unknown.
 */
const newer: readonly (readonly [number, string])[] = (
  'cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr ' +
  'lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr ' +
  'file_setattr listns rseq_slice_yield'
)
  .split(' ')
  .map((name, index) => [451 + index, name]);
const newerOf: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  SCMP_ARCH_X86_64: [
    [335, 'uretprobe'],
    [336, 'uprobe'],
  ],
};

function numbersOf(arch: Arch, abi: CallAbi): ReadonlyMap<string, number> {
  const target = abi.flags === undefined ? arch : { ...arch, headerFlags: abi.flags };
  const prefixes = /^__(?:ARM_)?NR_([a-z][a-z0-9_]*)$/;
  const names = macroNames(target, abi.source).filter((name) => prefixes.test(name));
  const numbers = new Map<string, number>();
  for (const [name, value] of evaluate(target, abi.source, names)) {
    const call = prefixes.exec(name)?.[1] ?? '';
    // How many there are, not calls.
    if (call !== 'syscalls' && call !== 'arch_specific_syscall') numbers.set(call, Number(value));
  }
  for (const [number, name] of [...newer, ...(newerOf[abi.name] ?? [])]) {
    if (!numbers.has(name)) numbers.set(name, number);
  }
  return numbers;
}

/** Empty: one more than the last; `-`: the ABI lacks the call; else the number in base 36. */
function column(names: readonly string[], numbers: ReadonlyMap<string, number>): string {
  let last = -1;
  return names
    .map((name) => {
      const number = numbers.get(name);
      if (number === undefined) return '-';
      const isNext = number === last + 1;
      last = number;
      return isNext ? '' : number.toString(36);
    })
    .join(' ');
}

/** The module: all names once, by the numbers of the first ABI, and a column of numbers for each ABI. */
export function seccompTables(arch: Arch): string {
  const tables = abis[arch.name].map((abi) => ({ name: abi.name, numbers: numbersOf(arch, abi) }));
  const names = new Set<string>();
  for (const { numbers } of tables) {
    for (const [name] of [...numbers].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))) names.add(name);
  }
  const list = [...names];
  return [
    `/** System calls of the ABIs of ${arch.name}, generated from the kernel's headers by agent/build/generate-abi.ts. */`,
    `export const callNames = ${JSON.stringify(list.join(' '))};`,
    '/** By ABI, in the order of the names: empty is one more than the last, `-` is none, else the number in base 36. */',
    'export const callNumbers: Readonly<Record<string, string>> = {',
    ...tables.map(({ name, numbers }) => `  ${name}: ${JSON.stringify(column(list, numbers))},`),
    '};',
    '',
  ].join('\n');
}
