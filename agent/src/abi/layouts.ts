/**
 * Offsets and sizes of the kernel structures we write and read, under their C names. A test compares each entry with
 * `offsetof` and `sizeof` of the installed headers (test/unit/abi/layouts.test.ts). All are the same on every 64-bit
 * architecture except `epoll_event`, which x86_64 packs.
 */
export const layouts = {
  /** statx(2) */
  statx: {
    sizeof: 256,
    stx_mask: 0,
    stx_attributes: 8,
    stx_nlink: 16,
    stx_uid: 20,
    stx_gid: 24,
    stx_mode: 28,
    stx_ino: 32,
    stx_size: 40,
    stx_mtime: 112,
    stx_rdev_major: 128,
    stx_rdev_minor: 132,
    stx_dev_major: 136,
    stx_dev_minor: 140,
    stx_mnt_id: 144,
  },
  /** statfs(2) on 64-bit machines */
  statfs: { sizeof: 120, f_type: 0, f_bsize: 8, f_blocks: 16, f_bfree: 24, f_bavail: 32, f_files: 40, f_ffree: 48 },
  /** getdents64(2); the name follows at `d_name` */
  linux_dirent64: { d_ino: 0, d_off: 8, d_reclen: 16, d_type: 18, d_name: 19 },
  /** clock_adjtime(2) */
  timex: { sizeof: 208, modes: 0, offset: 8, freq: 16, maxerror: 24, esterror: 32, status: 40, time: 72 },
  /** openat2(2) */
  open_how: { sizeof: 24, flags: 0, mode: 8, resolve: 16 },
  /** clone3(2), version 2 (with cgroup) */
  clone_args: {
    sizeof: 88,
    flags: 0,
    pidfd: 8,
    child_tid: 16,
    parent_tid: 24,
    exit_signal: 32,
    stack: 40,
    stack_size: 48,
    tls: 56,
    set_tid: 64,
    set_tid_size: 72,
    cgroup: 80,
  },
  /** mount_setattr(2) */
  mount_attr: { sizeof: 32, attr_set: 0, attr_clr: 8, propagation: 16, userns_fd: 24 },
  /** signalfd(2) */
  signalfd_siginfo: { sizeof: 128, ssi_signo: 0, ssi_errno: 4, ssi_code: 8, ssi_pid: 12, ssi_uid: 16, ssi_status: 40 },
  /** waitid(2): the SIGCHLD view of siginfo_t */
  siginfo_t: { sizeof: 128, si_signo: 0, si_errno: 4, si_code: 8, si_pid: 16, si_uid: 20, si_status: 24 },
  timespec: { sizeof: 16, tv_sec: 0, tv_nsec: 8 },
  itimerspec: { sizeof: 32, it_interval: 0, it_value: 16 },
  iovec: { sizeof: 16, iov_base: 0, iov_len: 8 },
  msghdr: {
    sizeof: 56,
    msg_name: 0,
    msg_namelen: 8,
    msg_iov: 16,
    msg_iovlen: 24,
    msg_control: 32,
    msg_controllen: 40,
    msg_flags: 48,
  },
  cmsghdr: { sizeof: 16, cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 },
  sockaddr_un: { sizeof: 110, sun_family: 0, sun_path: 2 },
  sockaddr_vm: { sizeof: 16, svm_family: 0, svm_reserved1: 2, svm_port: 4, svm_cid: 8, svm_flags: 12 },
  sockaddr_nl: { sizeof: 12, nl_family: 0, nl_pid: 4, nl_groups: 8 },
  ucred: { sizeof: 12, pid: 0, uid: 4, gid: 8 },
  /** seccomp(2) */
  sock_fprog: { sizeof: 16, len: 0, filter: 8 },
  rlimit64: { sizeof: 16, rlim_cur: 0, rlim_max: 8 },
  winsize: { sizeof: 8, ws_row: 0, ws_col: 2, ws_xpixel: 4, ws_ypixel: 6 },
  /** capget(2), capset(2), version 3: the header, then two data elements */
  __user_cap_header_struct: { sizeof: 8, version: 0, pid: 4 },
  __user_cap_data_struct: { sizeof: 12, effective: 0, permitted: 4, inheritable: 8 },
  /** uname(2): six strings of 65 bytes */
  new_utsname: { sizeof: 390, sysname: 0, nodename: 65, release: 130, version: 195, machine: 260, domainname: 325 },
  /** sched_setattr(2), version 0 */
  sched_attr: {
    sizeof: 48,
    size: 0,
    sched_policy: 4,
    sched_flags: 8,
    sched_nice: 16,
    sched_priority: 20,
    sched_runtime: 24,
    sched_deadline: 32,
    sched_period: 40,
  },
  inotify_event: { sizeof: 16, wd: 0, mask: 4, cookie: 8, len: 12 },
  /** What a device program reads (linux/bpf.h). */
  bpf_cgroup_dev_ctx: { sizeof: 12, access_type: 0, major: 4, minor: 8 },
  /** bpf(2): views of `union bpf_attr`, which grows with the kernel; callers pass the size of the view they use. */
  bpf_prog_load: {
    prog_type: 0,
    insn_cnt: 4,
    insns: 8,
    license: 16,
    log_level: 24,
    log_size: 28,
    log_buf: 32,
    prog_name: 48,
    expected_attach_type: 68,
  },
  bpf_prog_attach: { target_fd: 0, attach_bpf_fd: 4, attach_type: 8, attach_flags: 12, replace_bpf_fd: 16 },
  bpf_prog_query: { target_fd: 0, attach_type: 4, query_flags: 8, attach_flags: 12, prog_ids: 16, prog_cnt: 24 },
  bpf_prog_by_id: { prog_id: 0, open_flags: 8 },
} as const;

/** `epoll_event` by architecture: x86_64 packs it (uapi/linux/eventpoll.h). */
export const epollEventLayouts = {
  x86_64: { sizeof: 12, events: 0, data: 4 },
  aarch64: { sizeof: 16, events: 0, data: 8 },
} as const;
