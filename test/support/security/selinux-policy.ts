import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedPackage } from '../repository.ts';

/** Initial SIDs in the kernel's order (security/selinux/include/initial_sid_to_string.h); a policy names all of them. */
const INITIAL_SIDS = [
  ...['kernel', 'security', 'unlabeled', 'fs', 'file', 'file_labels', 'init', 'any_socket', 'port', 'netif', 'netmsg'],
  ...['node', 'igmp_packet', 'icmp_socket', 'tcp_socket', 'sysctl_modprobe', 'sysctl', 'sysctl_fs', 'sysctl_kernel'],
  ...['sysctl_net', 'sysctl_net_unix', 'sysctl_vm', 'sysctl_dev', 'kmod', 'policy', 'scmp_packet', 'devnull'],
];

const CLASSES = {
  process:
    'fork transition sigchld sigkill sigstop signull signal ptrace getsched setsched getsession getpgid setpgid getcap setcap share ' +
    'getattr setexec setfscreate noatsecure siginh setrlimit rlimitinh dyntransition setcurrent execmem execstack execheap ' +
    'setkeycreate setsockcreate getrlimit',
  process2: 'nnp_transition nosuid_transition',
  // A label can only be set on what has a class of the policy.
  dir: 'relabelfrom relabelto getattr search read open mounton',
  filesystem: 'mount remount unmount getattr relabelfrom relabelto associate quotamod quotaget watch',
} as const;

/** The label of everything that nobody labels. */
const GUEST_LABEL = 'guest_u:guest_r:guest_t:s0';
/** Labels of processes. */
export const BOX_LABEL = 'guest_u:guest_r:box_t:s0:c0,c1';
export const OTHER_BOX_LABEL = 'guest_u:guest_r:box_t:s0';
/** A label of file systems. */
export const DATA_LABEL = 'guest_u:object_r:data_t:s0';
/** One that the policy has, and that no process may change to. */
export const FORBIDDEN_LABEL = 'guest_u:guest_r:lonely_t:s0';

/** A policy that knows three types of processes and one of data. What it does not mention is allowed. */
function policyText(): string {
  const guestObject = 'guest_u:object_r:guest_t:s0';
  return [
    ...Object.keys(CLASSES).map((name) => `class ${name}`),
    ...INITIAL_SIDS.map((name) => `sid ${name}`),
    ...Object.entries(CLASSES).map(([name, permissions]) => `class ${name} { ${permissions} }`),
    'sensitivity s0;',
    'dominance { s0 }',
    'category c0;',
    'category c1;',
    'level s0:c0.c1;',
    'mlsconstrain process transition ( l1 domby h1 );',
    'policycap nnp_nosuid_transition;',
    'type guest_t;',
    'type box_t;',
    'type lonely_t;',
    'type data_t;',
    'role guest_r;',
    'role guest_r types { guest_t box_t lonely_t };',
    'role object_r types { guest_t data_t };',
    'allow { guest_t box_t } { guest_t box_t }:process *;',
    'allow { guest_t box_t } { guest_t box_t }:process2 *;',
    'allow { guest_t box_t } { guest_t box_t data_t }:dir *;',
    'allow { guest_t box_t data_t lonely_t } { guest_t data_t }:filesystem *;',
    'user guest_u roles { guest_r object_r } level s0 range s0 - s0:c0.c1;',
    ...INITIAL_SIDS.map((name) => `sid ${name} ${GUEST_LABEL}`),
    ...['tmpfs', 'devpts', 'mqueue'].map((name) => `fs_use_trans ${name} ${guestObject};`),
    ...['pipefs', 'sockfs'].map((name) => `fs_use_task ${name} ${guestObject};`),
    ...['proc', 'sysfs', 'virtiofs', 'rootfs', 'cgroup2'].map((name) => `genfscon ${name} / ${guestObject}`),
    '',
  ].join('\n');
}

/** Compiles the policy into `folder` and gives the path of the binary form, which `/sys/fs/selinux/load` takes. */
export function compileSelinuxPolicy(folder: string): string {
  const source = join(folder, 'policy.conf');
  const binary = join(folder, 'policy.bin');
  writeFileSync(source, policyText());
  const checkpolicy = join(unpackedPackage('checkpolicy'), 'usr/bin/checkpolicy');
  execFileSync(checkpolicy, ['-M', '-U', 'allow', '-c', '33', '-o', binary, source], { stdio: 'pipe' });
  return binary;
}
