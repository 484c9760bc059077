import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archByName } from '../../../agent/build/arch.ts';
import type { Arch } from '../../../agent/build/arch.ts';
import { epollEventLayouts, layouts } from '../../../agent/src/abi/layouts.ts';

type Layout = Readonly<Record<string, number>>;

/** Where a structure comes from, its name in C, and members that C spells otherwise. */
interface Origin {
  readonly headers: readonly string[];
  readonly type?: string;
  readonly members?: Readonly<Record<string, string>>;
  /** The kernel's own structure where its header only declares it for itself. */
  readonly declaration?: string;
}

/** sched_setattr(2), version 0: newer headers append fields. */
const schedAttr =
  'struct sched_attr { __u32 size, sched_policy; __u64 sched_flags; __s32 sched_nice; __u32 sched_priority; __u64 sched_runtime, sched_deadline, sched_period; };';

const origins: Readonly<Record<keyof typeof layouts, Origin>> = {
  statx: {
    headers: ['linux/stat.h'],
    members: { stx_mtime: 'stx_mtime.tv_sec' },
  },
  statfs: { headers: ['asm/statfs.h'] },
  // getdents64(2): declared in the kernel's private headers only.
  linux_dirent64: {
    headers: ['linux/types.h'],
    declaration:
      'struct linux_dirent64 { __u64 d_ino; __s64 d_off; unsigned short d_reclen; unsigned char d_type; char d_name[]; };',
  },
  timex: { headers: ['sys/timex.h'] },
  open_how: { headers: ['linux/openat2.h'] },
  clone_args: { headers: ['linux/sched.h'] },
  mount_attr: { headers: ['linux/mount.h'] },
  signalfd_siginfo: { headers: ['linux/signalfd.h'] },
  siginfo_t: { headers: ['signal.h'], type: 'siginfo_t' },
  timespec: { headers: ['time.h'] },
  itimerspec: { headers: ['time.h'] },
  iovec: { headers: ['sys/uio.h'] },
  msghdr: { headers: ['sys/socket.h'] },
  cmsghdr: { headers: ['sys/socket.h'] },
  sockaddr_un: { headers: ['sys/un.h'] },
  sockaddr_vm: { headers: ['sys/socket.h', 'linux/vm_sockets.h'] },
  sockaddr_nl: { headers: ['sys/socket.h', 'linux/netlink.h'] },
  ucred: { headers: ['sys/socket.h'] },
  sock_fprog: { headers: ['linux/filter.h'] },
  rlimit64: { headers: ['linux/resource.h'] },
  winsize: { headers: ['asm/termios.h'] },
  __user_cap_header_struct: { headers: ['linux/capability.h'] },
  __user_cap_data_struct: { headers: ['linux/capability.h'] },
  new_utsname: { headers: ['linux/utsname.h'] },
  inotify_event: { headers: ['sys/inotify.h'] },
  sched_attr: { headers: ['linux/types.h'], declaration: schedAttr },
  bpf_cgroup_dev_ctx: { headers: ['linux/bpf.h'] },
  bpf_prog_load: { headers: ['linux/bpf.h'], type: 'union bpf_attr' },
  bpf_prog_attach: { headers: ['linux/bpf.h'], type: 'union bpf_attr' },
  bpf_prog_query: {
    headers: ['linux/bpf.h'],
    type: 'union bpf_attr',
    members: Object.fromEntries(
      ['target_fd', 'attach_type', 'query_flags', 'attach_flags', 'prog_ids', 'prog_cnt'].map((name) => [
        name,
        `query.${name}`,
      ]),
    ),
  },
  bpf_prog_by_id: { headers: ['linux/bpf.h'], type: 'union bpf_attr' },
};

/** The layout as the C compiler sees it with the architecture's kernel headers, read from assembly. */
function compiled(arch: Arch, origin: Origin, name: string, layout: Layout, flags: readonly string[] = []): Layout {
  const type = origin.type ?? `struct ${name}`;
  const lines = Object.keys(layout).map((member) => {
    const expression =
      member === 'sizeof' ? `sizeof(${type})` : `__builtin_offsetof(${type}, ${origin.members?.[member] ?? member})`;
    return `  __asm__ volatile("\\n@@${member} %c0" : : "i"(${expression}));`;
  });
  const source = [
    '#define _GNU_SOURCE',
    ...origin.headers.map((header) => `#include <${header}>`),
    origin.declaration ?? '',
    `void layout(void) {\n${lines.join('\n')}\n}`,
    '',
  ].join('\n');
  const folder = mkdtempSync(join(tmpdir(), 'kihon-layout-'));
  try {
    writeFileSync(join(folder, 'layout.c'), source);
    const args = [...arch.headerFlags, ...flags, '-S', '-O0', '-o', '-', join(folder, 'layout.c')];
    const assembly = execFileSync(arch.headerCompiler, args, { encoding: 'utf8' });
    return Object.fromEntries(
      [...assembly.matchAll(/@@(\w+) [$#]?(\d+)/g)].map(([, member, value]) => [member!, Number(value)]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.each(['x86_64', 'aarch64'] as const)('layouts of %s', (archName) => {
  const arch = archByName(archName);

  it.each(Object.keys(layouts) as (keyof typeof layouts)[])('%s is as the headers say', (name) => {
    const layout: Layout = layouts[name];
    expect(layout).toEqual(compiled(arch, origins[name], name, layout));
  });

  it('epoll_event is as the headers say', () => {
    const layout: Layout = epollEventLayouts[archName];
    // The header asks the compiler, which is this machine's, whether to pack.
    const flags = archName === 'x86_64' ? ['-D__x86_64__'] : ['-U__x86_64__'];
    expect(layout).toEqual(compiled(arch, { headers: ['linux/eventpoll.h'] }, 'epoll_event', layout, flags));
  });
});
