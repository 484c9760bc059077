/** Processes: creation, identity, limits, signals. */
import {
  CLD_EXITED,
  CLONE_PARENT,
  CLONE_PIDFD,
  P_ALL,
  P_PIDFD,
  PR_CAPBSET_DROP,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  SIGCHLD,
  SIGKILL,
  SIG_SETMASK,
  WEXITED,
  WNOHANG,
} from '../abi/constants.ts';
import { EINVAL } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { decodeBytes, encodeBytes } from '../base/text.ts';
import { addressOf, rawSyscall, syscallForEach } from './engine.ts';
import { Fd } from './fd.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

/** How a process ended. */
export type ExitStatus =
  { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'signalled'; readonly signal: number };

export function getpid(): number {
  return rawSyscall(nr.SYS_getpid);
}

/** Ends this process at once (exit_group(2)): no jobs, no `finally`, no clean-up. */
export function exit(code: number): never {
  rawSyscall(nr.SYS_exit_group, code);
  // Only a seccomp filter lets us come here. There is one thread, and a signal to ourselves ends it too.
  for (;;) {
    rawSyscall(nr.SYS_exit, code);
    rawSyscall(nr.SYS_kill, rawSyscall(nr.SYS_getpid), SIGKILL);
  }
}

/** Sleeps until a signal ends this process. */
export function pauseForEver(): never {
  for (;;) rawSyscall(nr.SYS_ppoll, null, 0, null, null, 8);
}

export interface CloneArguments {
  /** CLONE_NEW*, CLONE_INTO_CGROUP...; CLONE_PIDFD is added. Never CLONE_VM: the engine's frames would be shared. */
  readonly flags: number;
  /** Directory of the cgroup to be born in, with CLONE_INTO_CGROUP. */
  readonly cgroup?: Fd;
}

/**
 * clone3(2) without shared memory: returns twice. In the child the result is 'child', and only straight-line code that ends
 * in execve or `exit` may follow: no await, and nothing may unwind past this call.
 */
export function clone3(args: CloneArguments): { readonly pid: number; readonly pidfd: Fd } | 'child' {
  const at = layouts.clone_args;
  const pidfd = new StructView(4);
  const view = new StructView(at.sizeof)
    .setU64(at.flags, BigInt(args.flags) | BigInt(CLONE_PIDFD))
    .setU64(at.pidfd, addressOf(pidfd.bytes))
    // With CLONE_PARENT it is that of the caller.
    .setU64(at.exit_signal, (args.flags & CLONE_PARENT) === 0 ? SIGCHLD : 0)
    .setU64(at.cgroup, args.cgroup?.number ?? 0);
  const pid = syscall('clone3', `flags 0x${args.flags.toString(16)}`, nr.SYS_clone3, view.bytes, at.sizeof);
  return pid === 0 ? 'child' : { pid, pidfd: new Fd(pidfd.i32(0), `pidfd ${pid}`) };
}

/**
 * The same by clone(2), which filters of system calls know longer and let pass more often. `flags` may hold what a filter for
 * containers allows: no CLONE_NEW*.
 */
export function fork(flags: number): { readonly pid: number; readonly pidfd: Fd } | 'child' {
  const pidfd = new StructView(4);
  const pid = syscall(
    'clone',
    `flags 0x${flags.toString(16)}`,
    nr.SYS_clone,
    flags | CLONE_PIDFD,
    0,
    pidfd.bytes,
    0,
    0,
  );
  return pid === 0 ? 'child' : { pid, pidfd: new Fd(pidfd.i32(0), `pidfd ${pid}`) };
}

/** A block of NUL-terminated strings and the array of pointers to them, as execve(2) wants. Keep it until the call is over. */
function stringArray(strings: readonly string[]): { readonly pointers: Uint8Array; readonly keep: Uint8Array } {
  const encoded = strings.map(encodeBytes);
  const total = encoded.reduce((sum, bytes) => sum + bytes.length + 1, 0);
  const keep = new Uint8Array(total);
  const pointers = new StructView((strings.length + 1) * 8);
  const base = addressOf(keep);
  let offset = 0;
  encoded.forEach((bytes, index) => {
    if (bytes.includes(0)) throw new TypeError(`argument or environment entry ${index} holds a NUL`);
    keep.set(bytes, offset);
    pointers.setU64(index * 8, base + offset);
    offset += bytes.length + 1;
  });
  return { pointers: pointers.bytes, keep };
}

/** Makes what execve(2) needs. The result does nothing but call it, and returns only to throw. */
export function prepareExecve(path: string, argv: readonly string[], env: readonly string[]): () => never {
  const args = stringArray(argv);
  const environment = stringArray(env);
  return () => {
    syscall('execve', path, nr.SYS_execve, path, args.pointers, environment.pointers);
    throw new Error(`execve ${path} returned (${args.keep.length + environment.keep.length} bytes of strings)`);
  };
}

/** execve(2). Returns only to throw. */
export function execve(path: string, argv: readonly string[], env: readonly string[]): never {
  return prepareExecve(path, argv, env)();
}

/** execveat(2); with an empty path and AT_EMPTY_PATH, the file of `fd` itself. */
export function execveat(fd: Fd, path: string, argv: readonly string[], env: readonly string[], flags: number): never {
  const args = stringArray(argv);
  const environment = stringArray(env);
  syscall('execveat', fd.what, nr.SYS_execveat, fd.number, path, args.pointers, environment.pointers, flags);
  throw new Error(`execveat ${fd.what} returned (${args.keep.length + environment.keep.length} bytes of strings)`);
}

export function kill(pid: number, signal: number): void {
  syscall('kill', `${pid} signal ${signal}`, nr.SYS_kill, pid, signal);
}

export function pidfdOpen(pid: number): Fd {
  return new Fd(syscall('pidfd_open', `${pid}`, nr.SYS_pidfd_open, pid, 0), `pidfd ${pid}`);
}

/** pidfd_send_signal(2): never another process, even when the number was reused. */
export function pidfdSignal(pidfd: Fd, signal: number): void {
  const subject = `${pidfd.what} signal ${signal}`;
  syscall('pidfd_send_signal', subject, nr.SYS_pidfd_send_signal, pidfd.number, signal, null, 0);
}

/** Blocks until the child of a pidfd has ended, and collects it. */
export function waitBlocking(pidfd: Fd): ExitStatus {
  const at = layouts.siginfo_t;
  const info = new StructView(at.sizeof);
  syscall('waitid', pidfd.what, nr.SYS_waitid, P_PIDFD, pidfd.number, info.bytes, WEXITED, null);
  const value = info.i32(at.si_status);
  return info.i32(at.si_code) === CLD_EXITED ? { kind: 'exited', code: value } : { kind: 'signalled', signal: value };
}

/** Collects every child that has ended by now, adopted ones included. */
export function collectEnded(): void {
  const info = new StructView(layouts.siginfo_t.sizeof);
  const at = layouts.siginfo_t.si_pid;
  do info.setU32(at, 0);
  while (trySyscall(nr.SYS_waitid, P_ALL, 0, info.bytes, WEXITED | WNOHANG, null) === 0 && info.u32(at) !== 0);
}

export function setsid(): void {
  syscall('setsid', '', nr.SYS_setsid);
}

/** Joins the namespace of a descriptor; `type` is its CLONE_NEW* flag, so that nothing else is joined by mistake. */
export function setns(fd: Fd, type: number): void {
  syscall('setns', fd.what, nr.SYS_setns, fd.number, type);
}

export function unshare(flags: number): void {
  syscall('unshare', `0x${flags.toString(16)}`, nr.SYS_unshare, flags);
}

/** prctl(2), raw. */
export function prctl(what: string, option: number, a = 0, b = 0, c = 0, d = 0): number {
  return syscall('prctl', what, nr.SYS_prctl, option, a, b, c, d);
}

export function setNoNewPrivs(): void {
  prctl('PR_SET_NO_NEW_PRIVS', PR_SET_NO_NEW_PRIVS, 1);
}

export function setDumpable(isDumpable: boolean): void {
  prctl('PR_SET_DUMPABLE', PR_SET_DUMPABLE, isDumpable ? 1 : 0);
}

export function setKeepCaps(keep: boolean): void {
  prctl('PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, keep ? 1 : 0);
}

export function setChildSubreaper(): void {
  prctl('PR_SET_CHILD_SUBREAPER', PR_SET_CHILD_SUBREAPER, 1);
}

export function setParentDeathSignal(signal: number): void {
  prctl('PR_SET_PDEATHSIG', PR_SET_PDEATHSIG, signal);
}

/** Name of the process in `ps`, at most 15 bytes. */
export function setProcessName(name: string): void {
  const bytes = new Uint8Array(16);
  bytes.set(encodeBytes(name).subarray(0, 15));
  prctl('PR_SET_NAME', PR_SET_NAME, addressOf(bytes));
}

/** Takes capabilities out of the bounding set. Numbers that the kernel does not know are in no set. */
export function dropBounding(capabilities: readonly number[]): void {
  const results = Uint8Array.from(capabilities);
  syscallForEach(results, 1, nr.SYS_prctl, PR_CAPBSET_DROP, 0, 0, 0, 0);
  const failed = results.findIndex((errno) => errno !== 0 && errno !== EINVAL);
  if (failed >= 0)
    throw sysError('prctl', -(results[failed] ?? EINVAL), `PR_CAPBSET_DROP ${capabilities[failed] ?? 0}`);
}

export function clearAmbient(): void {
  prctl('PR_CAP_AMBIENT_CLEAR_ALL', PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
}

export function raiseAmbient(capability: number): void {
  prctl(`PR_CAP_AMBIENT_RAISE ${capability}`, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability);
}

/** Three capability sets as bit masks. */
export interface CapabilitySets {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

const CAPABILITY_VERSION_3 = 0x20080522;

function capabilityHeader(): StructView {
  return new StructView(layouts.__user_cap_header_struct.sizeof).setU32(0, CAPABILITY_VERSION_3);
}

export function capget(): CapabilitySets {
  const at = layouts.__user_cap_data_struct;
  const data = new StructView(at.sizeof * 2);
  syscall('capget', '', nr.SYS_capget, capabilityHeader().bytes, data.bytes);
  const set = (offset: number): bigint => BigInt(data.u32(offset)) | (BigInt(data.u32(at.sizeof + offset)) << 32n);
  return { effective: set(at.effective), permitted: set(at.permitted), inheritable: set(at.inheritable) };
}

export function capset(sets: CapabilitySets): void {
  const at = layouts.__user_cap_data_struct;
  const data = new StructView(at.sizeof * 2);
  const put = (offset: number, set: bigint): void => {
    data.setU32(offset, Number(set & 0xffffffffn)).setU32(at.sizeof + offset, Number(set >> 32n));
  };
  put(at.effective, sets.effective);
  put(at.permitted, sets.permitted);
  put(at.inheritable, sets.inheritable);
  syscall('capset', '', nr.SYS_capset, capabilityHeader().bytes, data.bytes);
}

/** Real, effective and saved user id at once. */
export function setresuid(uid: number): void {
  syscall('setresuid', `${uid}`, nr.SYS_setresuid, uid, uid, uid);
}

/** Real, effective and saved group id at once. */
export function setresgid(gid: number): void {
  syscall('setresgid', `${gid}`, nr.SYS_setresgid, gid, gid, gid);
}

/** Supplementary groups; an empty list clears them. */
export function setgroups(gids: readonly number[]): void {
  const list = new StructView(Math.max(4, gids.length * 4));
  gids.forEach((gid, index) => list.setU32(index * 4, gid));
  syscall('setgroups', `${gids.length} groups`, nr.SYS_setgroups, gids.length, list.bytes);
}

export function getgroups(): number[] {
  const list = new StructView(65536 * 4);
  const count = syscall('getgroups', '', nr.SYS_getgroups, 65536, list.bytes);
  return Array.from({ length: count }, (_, index) => list.u32(index * 4));
}

export interface Rlimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** RLIM_INFINITY as the kernel spells it: 2^64 - 1. */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

export function setRlimit(resource: number, limit: Rlimit): void {
  const view = new StructView(16).setU64(0, limit.soft).setU64(8, limit.hard);
  const subject = `resource ${resource} ${limit.soft}:${limit.hard}`;
  syscall('prlimit64', subject, nr.SYS_prlimit64, 0, resource, view.bytes, null);
}

export function getRlimit(resource: number): Rlimit {
  const view = new StructView(16);
  syscall('prlimit64', `resource ${resource}`, nr.SYS_prlimit64, 0, resource, null, view.bytes);
  return { soft: view.u64(0), hard: view.u64(8) };
}

/** Sets a limit of another process (prlimit(2)). */
export function setRlimitOf(pid: number, resource: number, limit: Rlimit): void {
  const view = new StructView(16).setU64(0, limit.soft).setU64(8, limit.hard);
  const subject = `process ${pid} resource ${resource} ${limit.soft}:${limit.hard}`;
  syscall('prlimit64', subject, nr.SYS_prlimit64, pid, resource, view.bytes, null);
}

export function geteuid(): number {
  return rawSyscall(nr.SYS_geteuid);
}

export function getegid(): number {
  return rawSyscall(nr.SYS_getegid);
}

export function chdir(path: string): void {
  syscall('chdir', path, nr.SYS_chdir, path);
}

export function fchdir(fd: Fd): void {
  syscall('fchdir', fd.what, nr.SYS_fchdir, fd.number);
}

/** getcwd(2): begins with `(unreachable)` when the directory lies outside the root. */
export function getcwd(): string {
  const buffer = new Uint8Array(4096);
  const length = syscall('getcwd', '', nr.SYS_getcwd, buffer, buffer.length);
  return decodeBytes(buffer.subarray(0, length - 1));
}

export function chroot(path: string): void {
  syscall('chroot', path, nr.SYS_chroot, path);
}

/** Sets the umask and returns the old one. */
export function umask(mask: number): number {
  return rawSyscall(nr.SYS_umask, mask);
}

export function sethostname(name: string): void {
  const bytes = encodeBytes(name);
  syscall('sethostname', name, nr.SYS_sethostname, bytes, bytes.length);
}

export function setdomainname(name: string): void {
  const bytes = encodeBytes(name);
  syscall('setdomainname', name, nr.SYS_setdomainname, bytes, bytes.length);
}

/** close_range(2): closes (or, with CLOSE_RANGE_CLOEXEC, marks) all descriptors from `first` to `last`. */
export function closeRange(first: number, last: number, flags = 0): void {
  syscall('close_range', `${first} to ${last}`, nr.SYS_close_range, first, last, flags);
}

/** Replaces the signal mask; bit n-1 blocks signal n. Returns the old mask. */
export function setSignalMask(mask: bigint): bigint {
  const wanted = new StructView(8).setU64(0, mask);
  const old = new StructView(8);
  syscall('rt_sigprocmask', '', nr.SYS_rt_sigprocmask, SIG_SETMASK, wanted.bytes, old.bytes, 8);
  return old.u64(0);
}

const allSignals = Uint8Array.from({ length: 64 }, (_, index) => index + 1);

/**
 * Default disposition for every signal the parent of this program may have ignored. Done once when the agent starts, so that
 * no child needs these 64 calls: it inherits the result. SIGKILL and SIGSTOP refuse, which is fine.
 */
export function resetSignalDispositions(): void {
  const signals = Uint8Array.from(allSignals);
  syscallForEach(signals, 0, nr.SYS_rt_sigaction, 0, new Uint8Array(32), null, 8);
  const failed = signals.findIndex((errno) => errno !== 0 && errno !== EINVAL);
  if (failed >= 0) throw sysError('rt_sigaction', -(signals[failed] ?? EINVAL), `${failed + 1}`);
}

/** Default disposition for one signal. */
export function resetSignalDisposition(signal: number): void {
  syscall('rt_sigaction', `${signal}`, nr.SYS_rt_sigaction, signal, new Uint8Array(32), null, 8);
}
