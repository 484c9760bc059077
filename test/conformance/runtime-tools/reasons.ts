/** Why a validation program fails on the test machine, by program: what was found when each was looked at. */
export const reasons: Readonly<Record<string, string>> = {
  delete: 'runc deletes a created container, which the specification forbids',
  delete_resources: 'needs the pids controller in cgroup v2; the machine has it in v1, which Kihon does not serve',
  hooks_stdin: 'expects the status created in prestart; the lifecycle has creating there',
  linux_cgroups_blkio: 'leafWeight is a setting of a former I/O scheduler; needs the io controller in cgroup v2',
  linux_cgroups_cpus: 'needs the cpu controller in cgroup v2; the machine has it in v1, which Kihon does not serve',
  linux_cgroups_devices: 'the program reads devices.list of cgroup v1; in v2 the rules are a program in the kernel',
  linux_cgroups_hugetlb: 'the program reads files of cgroup v1, where the machine has no hugetlb controller',
  linux_cgroups_memory: 'kernel memory limits, which kernels no longer have; needs the memory controller in cgroup v2',
  linux_cgroups_network: 'net_cls and net_prio are controllers of cgroup v1 only, and the machine does not have them',
  linux_cgroups_pids: 'needs the pids controller in cgroup v2; the machine has it in v1, which Kihon does not serve',
  linux_mount_label: 'this kernel has no SELinux',
  linux_ns_itype: 'Kihon asks for a mount namespace of the container’s own and says so',
  linux_ns_path: 'Kihon does not join a mount namespace: its root would not be the container’s',
  linux_process_apparmor_profile: 'this kernel has no AppArmor',
  linux_rootfs_propagation: 'asks for all capabilities; the test machine does not have CAP_SYS_RESOURCE',
  misc_props: 'the program does not put its helper into the root file system',
  mounts: 'gives an option of a file system to a bind mount, which has no effect; Kihon refuses what has none',
  pidfile: 'kills a container that may have ended already',
  process_capabilities: 'asks for all capabilities; the test machine does not have CAP_SYS_RESOURCE',
  process_capabilities_fail: 'an unknown capability was an error in version 1.0 and is a warning since 1.1',
  process_rlimits: 'the Go runtime of the inner program raises its own soft limit of open files',
  start: 'expects create to accept a configuration without process',
  linux_seccomp: 'the filter denies getcwd, which runc 1.1 itself calls under it',
};

/** The reason for a program; those that use a relative cgroup path fail as their relatives do. */
export function reasonFor(program: string): string {
  return reasons[program] ?? reasons[program.replace('_relative', '')] ?? '';
}
