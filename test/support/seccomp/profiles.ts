import { callNames } from '../../../agent/src/abi/generated/x86_64/seccomp-tables.ts';
import type { FilterArgument, FilterProfile, FilterRule } from '../../../agent/src/codec/seccomp/profile.ts';

/** A profile with defaults for what a test does not mention. */
export function profileOf(syscalls: readonly FilterRule[], rest: Partial<FilterProfile> = {}): FilterProfile {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    defaultErrnoRet: undefined,
    architectures: [],
    flags: [],
    syscalls,
    ...rest,
  };
}

/** A rule for one or several calls. */
export function ruleFor(
  names: string | readonly string[],
  action: FilterRule['action'],
  args: readonly FilterArgument[] = [],
  errnoRet?: number,
): FilterRule {
  return { names: typeof names === 'string' ? [names] : names, action, errnoRet, args };
}

export function argument(
  index: number,
  op: FilterArgument['op'],
  value: bigint | number,
  valueTwo: bigint | number = 0,
): FilterArgument {
  return { index, op, value: BigInt(value), valueTwo: BigInt(valueTwo) };
}

const forbidden = new Set(
  (
    'acct add_key bpf clock_adjtime clock_settime clone clone3 create_module delete_module finit_module fsconfig fsmount fsopen fspick ' +
    'get_kernel_syms init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount mount_setattr ' +
    'move_mount move_pages nfsservctl open_by_handle_at open_tree perf_event_open personality pivot_root process_vm_readv ' +
    'process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key set_mempolicy setns settimeofday socket stime swapon ' +
    'swapoff sysfs _sysctl umount umount2 unshare uselib userfaultfd ustat vm86 vm86old socketcall'
  ).split(' '),
);

/** An allow-list of the size and shape of what container engines send by default: about 400 names, a few of them with arguments. */
export function broadProfile(architectures: readonly string[]): FilterProfile {
  const allowed = callNames.split(' ').filter((name) => !forbidden.has(name));
  return profileOf(
    [
      ruleFor(allowed, 'SCMP_ACT_ALLOW'),
      ruleFor('socket', 'SCMP_ACT_ALLOW', [argument(0, 'SCMP_CMP_LT', 38)]),
      ruleFor('socket', 'SCMP_ACT_ALLOW', [argument(0, 'SCMP_CMP_EQ', 39)]),
      ruleFor('socket', 'SCMP_ACT_ALLOW', [argument(0, 'SCMP_CMP_GT', 40)]),
      ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((value) =>
        ruleFor('personality', 'SCMP_ACT_ALLOW', [argument(0, 'SCMP_CMP_EQ', value)]),
      ),
      ruleFor('clone', 'SCMP_ACT_ALLOW', [argument(0, 'SCMP_CMP_MASKED_EQ', 0x7e020000)]),
      ruleFor('clone3', 'SCMP_ACT_ERRNO', [], 38),
    ],
    { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, architectures },
  );
}
