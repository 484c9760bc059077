/**
 * Generates numbers and flags of the Linux ABI from the installed kernel headers:
 * `agent/src/abi/generated/<arch>/{constants,syscalls,errno,seccomp-tables}.ts`.
 *
 * The values are read from assembly, not by running a program, so a cross compiler serves as well.
 */
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from './arch.ts';
import { evaluate, macroNames } from './header-macros.ts';
import { seccompTables } from './seccomp-abi-tables.ts';

/** Two groups, because the C library's socket.h and the kernel's headers define some types twice. */
const socketHeaders = [
  'sys/socket.h',
  'dirent.h',
  'linux/if.h',
  'linux/if_arp.h',
  'linux/if_addr.h',
  'linux/if_link.h',
  'linux/neighbour.h',
  'linux/netlink.h',
  'linux/rtnetlink.h',
  'linux/vm_sockets.h',
];
const kernelHeaders = [
  'asm/fcntl.h',
  'asm/ioctls.h',
  'asm/resource.h',
  'asm/signal.h',
  'linux/capability.h',
  'linux/close_range.h',
  'linux/eventpoll.h',
  'linux/fcntl.h',
  'linux/fs.h',
  'linux/futex.h',
  'linux/inotify.h',
  'linux/keyctl.h',
  'linux/magic.h',
  'linux/memfd.h',
  'linux/mount.h',
  'linux/openat2.h',
  'linux/prctl.h',
  'linux/random.h',
  'linux/reboot.h',
  'linux/sched.h',
  'linux/seccomp.h',
  'linux/securebits.h',
  'linux/signalfd.h',
  'linux/stat.h',
  'linux/time.h',
  'linux/timex.h',
  'linux/timerfd.h',
  'linux/tty.h',
  'linux/wait.h',
];

/** Families of macros we take; everything else in the headers stays there. */
const wanted =
  /^(ADJ|AF|AT|UMOUNT|BLKGETSIZE64|CAP|CLD|CLOCK|CLONE|CLOSE_RANGE|DT|EPOLL|EPOLLIN|EPOLLOUT|EXT4_IOC|F|FD|FSCONFIG|FSMOUNT|FSOPEN|FS_IOC|F_SEAL|GRND|IFA|IFF|IFLA|IN|KEYCTL|KEY_SPEC|LINUX_REBOOT|LOCK|MFD|MNT|MOUNT_ATTR|MOVE_MOUNT|MS|MSG|NDA|NETLINK|NLA|NLM|NLMSG|NTF|NUD|O|OPEN_TREE|P|PF|POLL|PRIO|PR|RENAME|RESOLVE|RLIMIT|RNDADDTOENTCNT|RNDRESEEDCRNG|RTA|RTAX|RTM|RTMGRP|RTN|RTPROT|RT|RT_SCOPE|RT_TABLE|S|SA|SCHED|SCM|SECBIT|SECCOMP|SEEK|SFD|SHUT|SIG|SO|SOCK|SOL|ST|STA|STATX|TCSANOW|TFD|TIOC|UTIME|VMADDR|W)_[A-Z0-9_]+$|^(SIG[A-Z0-9]+|TIOC[A-Z0-9]+|TC[A-Z]+|EPOLL[A-Z]+|IN_[A-Z_]+|FIONREAD|FIONBIO|WNOHANG|WEXITED|WNOWAIT|WSTOPPED|RNDRESEEDCRNG|RNDADDTOENTCNT|[A-Z0-9]+(_[A-Z0-9]+)*_MAGIC)$/;

/** Macros of those families that are not integer constants. */
const unusable =
  /^(SIG_(DFL|IGN|ERR)|SIGRTMAX|SIGRTMIN|F_LINUX_SPECIFIC_BASE|IFLA_.*_DATA|SO_.*_NEW|S_.*BLKSIZE|RTA_DATA|PF_IO.*|SIGEV_THREAD_ID|SIGEV_.*|S_I(READ|WRITE|EXEC)|IN_CLASS.*|BINDERFS.*|IN_LOOPBACK.*)$/;

/** Constants that are enum members (no macros) in the headers. */
const enumerated = [
  'FSCONFIG_SET_FLAG',
  'FSCONFIG_SET_STRING',
  'FSCONFIG_SET_PATH',
  'FSCONFIG_SET_FD',
  'FSCONFIG_CMD_CREATE',
  'FSCONFIG_CMD_RECONFIGURE',
  'RTM_NEWLINK',
  'RTM_DELLINK',
  'RTM_GETLINK',
  'RTM_SETLINK',
  'RTM_NEWADDR',
  'RTM_GETADDR',
  'RTM_NEWROUTE',
  'RTM_DELADDR',
  'RTM_GETROUTE',
  'RTM_NEWNEIGH',
  'IFLA_ADDRESS',
  'IFLA_IFNAME',
  'IFLA_MTU',
  'IFA_ADDRESS',
  'IFA_LOCAL',
  'IFA_BROADCAST',
  'IFA_MULTICAST',
  'RTA_DST',
  'RTA_SRC',
  'RTA_OIF',
  'RTA_GATEWAY',
  'RTA_PREFSRC',
  'RTA_METRICS',
  'RTA_TABLE',
  'RTN_UNICAST',
  'RT_TABLE_MAIN',
  'NDA_DST',
  'NDA_LLADDR',
  'IFF_UP',
  'IFF_NOARP',
  'IFF_LOOPBACK',
  'IFF_RUNNING',
];

/**
 * Constants newer than the oldest headers we build with, from the kernel's own headers of the version named. They are
 * used only when the headers lack them; a kernel without the feature answers EINVAL.
 */
const newer: Readonly<Record<string, string>> = {
  CLONE_CLEAR_SIGHAND: '0x100000000ULL',
  CLONE_INTO_CGROUP: '0x200000000ULL',
  MOVE_MOUNT_BENEATH: '0x200',
  MFD_NOEXEC_SEAL: '0x8',
  // umount2(2) flags: not in the exported headers, see the manual page
  CLD_EXITED: '1', // asm-generic/siginfo.h, which clashes with the other headers
  P_ALL: '0',
  MNT_FORCE: '1',
  MNT_DETACH: '2',
  MNT_EXPIRE: '4',
  UMOUNT_NOFOLLOW: '8',
  EXT4_IOC_RESIZE_FS: '0x40086610', // linux/ext4.h since Linux 6.3: _IOW('f', 16, __u64)
};

function includes(headers: readonly string[]): string {
  return headers.map((header) => `#include <${header}>\n`).join('');
}

function literal(value: bigint): string {
  const safe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  return safe ? value.toString() : `${value}n`;
}

function module(arch: Arch, what: string, values: ReadonlyMap<string, bigint>): string {
  const lines = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `/** ${what} of ${arch.name}, generated from the kernel's headers by agent/build/generate-abi.ts. */`,
    ...lines.map(([name, value]) => `export const ${name} = ${literal(value)};`),
    '',
  ].join('\n');
}

function errnoModule(arch: Arch): string {
  const source = '#include <asm/errno.h>\n';
  const values = evaluate(
    arch,
    source,
    macroNames(arch, source).filter((name) => /^E[A-Z0-9]+$/.test(name)),
  );
  const names: string[] = [];
  for (const [name, value] of values) {
    if (/^(EWOULDBLOCK|EDEADLOCK|ENOTSUP)$/.test(name)) continue;
    names[Number(value)] = name;
  }
  // The array has holes; join() writes nothing for them.
  const table = names.join(' ');
  return `${module(arch, 'Error numbers', values)}
/** Symbolic names by number. One string, split once: a table in data costs less memory than code. */
const names = ${JSON.stringify(table)}.split(' ');

/** Symbolic name of a positive errno, e.g. 2 -> \`ENOENT\`; \`E<number>\` when the kernel is newer than our headers. */
export function errnoName(errno: number): string {
  const name = names[errno];
  return name === undefined || name === '' ? \`E\${errno}\` : name;
}
`;
}

/** Writes the generated modules of one architecture below `directory`, only when they differ. */
export function generateAbi(arch: Arch, directory: string): void {
  const additions = Object.entries(newer).map(([name, value]) => `#ifndef ${name}\n#define ${name} ${value}\n#endif\n`);
  const sources = [
    {
      source: includes(socketHeaders),
      extra: [
        ...enumerated.filter((name) => !name.startsWith('FSCONFIG')),
        'SOCK_STREAM',
        'SOCK_DGRAM',
        'SOCK_SEQPACKET',
        'SOCK_RAW',
        'SOCK_CLOEXEC',
        'SOCK_NONBLOCK',
        'SHUT_RD',
        'SHUT_WR',
        'SHUT_RDWR',
        'SCM_RIGHTS',
        'DT_UNKNOWN',
        'DT_DIR',
        'DT_REG',
        'DT_LNK',
        'DT_FIFO',
        'DT_SOCK',
        'DT_CHR',
        'DT_BLK',
        'MSG_DONTWAIT',
        'MSG_NOSIGNAL',
        'MSG_CMSG_CLOEXEC',
        'MSG_TRUNC',
        'MSG_CTRUNC',
        'MSG_PEEK',
      ],
    },
    {
      source: includes(kernelHeaders) + additions.join(''),
      extra: enumerated.filter((name) => name.startsWith('FSCONFIG')),
    },
  ];
  const constants = new Map<string, bigint>();
  for (const { source, extra } of sources) {
    const names = macroNames(arch, source).filter((name) => wanted.test(name) && !unusable.test(name));
    for (const [name, value] of evaluate(arch, source, [...new Set([...names, ...extra])])) constants.set(name, value);
  }
  const callSource = '#include <asm/unistd.h>\n';
  const callNames = macroNames(arch, callSource).filter((name) => name.startsWith('__NR_'));
  const calls = new Map<string, bigint>();
  for (const [name, value] of evaluate(arch, callSource, callNames)) calls.set(`SYS_${name.slice(5)}`, value);
  const outputs = {
    'constants.ts': module(arch, 'Numbers and flags', constants),
    'syscalls.ts': module(arch, 'System call numbers', calls),
    'errno.ts': errnoModule(arch),
    'seccomp-tables.ts': seccompTables(arch),
  };
  const target = join(directory, arch.name);
  mkdirSync(target, { recursive: true });
  for (const [name, text] of Object.entries(outputs)) {
    const path = join(target, name);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  }
}
