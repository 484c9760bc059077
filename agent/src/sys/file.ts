/** Files, by path and by descriptor. Every descriptor is close-on-exec. */
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_REMOVEDIR,
  AT_STATX_DONT_SYNC,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  SEEK_SET,
  STATX_BASIC_STATS,
  STATX_MNT_ID,
} from '../abi/constants.ts';
import { EAGAIN, EFBIG, ENOENT } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import * as nr from '../abi/syscalls.ts';
import { encodeDeviceNumber } from '../abi/structs/device-number.ts';
import { readDirectoryEntries } from '../abi/structs/directory.ts';
import type { DirectoryEntry } from '../abi/structs/directory.ts';
import { readStat } from '../abi/structs/stat.ts';
import type { Stat } from '../abi/structs/stat.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { decodeBytes, encodeBytes } from '../base/text.ts';
import { Fd } from './fd.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

export type { DirectoryEntry, Stat };
export {
  isBlockDevice,
  isCharDevice,
  isDirectory,
  isFifo,
  isRegular,
  isSocket,
  isSymlink,
} from '../abi/structs/stat.ts';

/** Number of the directory that relative paths start from. */
export function directoryNumber(at: Fd | undefined): number {
  return at === undefined ? AT_FDCWD : at.number;
}

/** openat(2); `mode` counts with O_CREAT only. */
export function open(path: string, flags: number, mode = 0, at?: Fd): Fd {
  return new Fd(syscall('openat', path, nr.SYS_openat, directoryNumber(at), path, flags | O_CLOEXEC, mode), path);
}

export interface OpenAtOptions {
  readonly flags: number;
  readonly mode?: number;
  /** RESOLVE_* bits. */
  readonly resolve: number;
}

const openHow = new StructView(layouts.open_how.sizeof);
/** What `openHow` says: most calls say what the one before did. */
let howFlags = -1;
let howMode = 0;
let howResolve = 0;

/** openat2(2): the descriptor's number, or -errno. EAGAIN (a racing rename) is retried a few times. */
function tryOpenNumber(root: Fd, path: string, { flags, mode = 0, resolve }: OpenAtOptions): number {
  const at = layouts.open_how;
  if (flags !== howFlags || mode !== howMode || resolve !== howResolve) {
    openHow
      .setU64(at.flags, (flags | O_CLOEXEC) >>> 0)
      .setU64(at.mode, mode)
      .setU64(at.resolve, resolve);
    howFlags = flags;
    howMode = mode;
    howResolve = resolve;
  }
  for (let attempt = 0; ; attempt++) {
    const result = trySyscall(nr.SYS_openat2, root.number, path, openHow.bytes, at.sizeof);
    if (result !== -EAGAIN || attempt === 32) return result;
  }
}

/** openat2(2): resolution stays below `root` as the RESOLVE_* bits say. */
export function openAt(root: Fd, path: string, options: OpenAtOptions): Fd {
  const result = tryOpenNumber(root, path, options);
  if (result < 0) throw sysError('openat2', result, path);
  return new Fd(result, path);
}

/** `openAt`, or undefined when the path does not exist (ENOENT). */
export function tryOpenAt(root: Fd, path: string, options: OpenAtOptions): Fd | undefined {
  const result = tryOpenNumber(root, path, options);
  if (result === -ENOENT) return undefined;
  if (result < 0) throw sysError('openat2', result, path);
  return new Fd(result, path);
}

/** read(2): bytes read, 0 at the end. */
export function read(fd: Fd, buffer: Uint8Array): number {
  return syscall('read', fd.what, nr.SYS_read, fd.number, buffer, buffer.length);
}

/** read(2) that gives -errno. */
export function tryRead(fd: Fd, buffer: Uint8Array): number {
  return trySyscall(nr.SYS_read, fd.number, buffer, buffer.length);
}

/** write(2): bytes written, maybe fewer than given. */
export function write(fd: Fd, bytes: Uint8Array): number {
  return syscall('write', fd.what, nr.SYS_write, fd.number, bytes, bytes.length);
}

/** write(2) that gives -errno. */
export function tryWrite(fd: Fd, bytes: Uint8Array): number {
  return trySyscall(nr.SYS_write, fd.number, bytes, bytes.length);
}

/** Writes all of `bytes` to a blocking descriptor. */
export function writeAll(fd: Fd, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += write(fd, bytes.subarray(offset));
}

/** pread64(2). */
export function pread(fd: Fd, buffer: Uint8Array, offset: bigint | number): number {
  return syscall('pread', fd.what, nr.SYS_pread64, fd.number, buffer, buffer.length, offset);
}

/** pwrite64(2). */
export function pwrite(fd: Fd, bytes: Uint8Array, offset: bigint | number): number {
  return syscall('pwrite', fd.what, nr.SYS_pwrite64, fd.number, bytes, bytes.length, offset);
}

/** sendfile(2): copies up to `count` bytes from the position of `from` to that of `to`; 0 at the end. */
export function sendFile(to: Fd, from: Fd, count: number): number {
  return syscall('sendfile', `${from.what} to ${to.what}`, nr.SYS_sendfile, to.number, from.number, null, count);
}

export function seek(fd: Fd, offset: bigint | number): void {
  syscall('lseek', fd.what, nr.SYS_lseek, fd.number, offset, SEEK_SET);
}

export function truncate(fd: Fd, size: bigint | number): void {
  syscall('ftruncate', fd.what, nr.SYS_ftruncate, fd.number, size);
}

/** Files of `/proc`, `/sys` and configuration are small; a larger one is an error, never a full memory. */
const DEFAULT_MAX_BYTES = 1 << 20;

/** All bytes up to the end; EFBIG beyond `maxBytes`. */
export function readFdToEnd(fd: Fd, maxBytes: number = DEFAULT_MAX_BYTES): Uint8Array {
  let buffer = new Uint8Array(Math.min(4096, maxBytes + 1));
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(buffer.length * 2, maxBytes + 1));
      larger.set(buffer);
      buffer = larger;
    }
    const count = read(fd, buffer.subarray(length));
    if (count === 0) return buffer.slice(0, length);
    length += count;
    if (length > maxBytes) throw sysError('read', -EFBIG, `${fd.what} (more than ${maxBytes} bytes)`);
  }
}

interface ReadOptions {
  readonly maxBytes?: number;
  readonly at?: Fd;
}

export function readFile(path: string, options: ReadOptions = {}): Uint8Array {
  using fd = open(path, O_RDONLY, 0, options.at);
  return readFdToEnd(fd, options.maxBytes);
}

/** The file's text; bytes that are no UTF-8 survive as base/text.ts describes. */
export function readText(path: string, options: ReadOptions = {}): string {
  return decodeBytes(readFile(path, options));
}

interface WriteOptions {
  readonly flags?: number;
  readonly mode?: number;
  readonly at?: Fd;
}

/** Writes an existing file in one write(2), as the files of `/proc`, `/sys` and cgroups demand. */
export function writeFile(path: string, data: string | Uint8Array, options: WriteOptions = {}): void {
  using fd = open(path, options.flags ?? O_WRONLY, options.mode ?? 0, options.at);
  const bytes = typeof data === 'string' ? encodeBytes(data) : data;
  const count = trySyscall(nr.SYS_write, fd.number, bytes, bytes.length);
  if (count < 0) throw sysError('write', count, path);
  if (count < bytes.length) writeAll(fd, bytes.subarray(count));
}

/** Creates or replaces a regular file. */
export function createFile(path: string, data: string | Uint8Array, mode = 0o644, at?: Fd): void {
  writeFile(path, data, { flags: O_WRONLY | O_CREAT | O_TRUNC, mode, ...(at === undefined ? {} : { at }) });
}

interface StatOptions {
  readonly at?: Fd;
  /** Look at a symlink itself. */
  readonly nofollow?: boolean;
  /** Take what the kernel knows without asking the server of a share, which may hang (AT_STATX_DONT_SYNC). */
  readonly isCached?: boolean;
}

function statx(number: number, path: string, flags: number, what: string): Stat {
  const view = new StructView(layouts.statx.sizeof);
  const mask = STATX_BASIC_STATS | STATX_MNT_ID;
  syscall('statx', what, nr.SYS_statx, number, path, flags | AT_NO_AUTOMOUNT, mask, view.bytes);
  return readStat(view);
}

export function stat(path: string, options: StatOptions = {}): Stat {
  const flags =
    (options.nofollow === true ? AT_SYMLINK_NOFOLLOW : 0) | (options.isCached === true ? AT_STATX_DONT_SYNC : 0);
  return statx(directoryNumber(options.at), path, flags, path);
}

export function fstat(fd: Fd): Stat {
  return statx(fd.number, '', AT_EMPTY_PATH, fd.what);
}

/** True when the path exists (a dangling symlink does not). Errors other than "not there" count as absent too. */
export function exists(path: string, at?: Fd): boolean {
  const view = new StructView(layouts.statx.sizeof);
  // Existence is known without asking the server of a share for its attributes, which may hang.
  const flags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  return trySyscall(nr.SYS_statx, directoryNumber(at), path, flags, STATX_BASIC_STATS, view.bytes) === 0;
}

/** W_OK and X_OK (unistd.h). */
const writeAndSearch = 2 | 1;

/** True when this process may make entries in the directory (faccessat2(2) with its effective ids). */
export function mayWriteIn(path: string): boolean {
  return trySyscall(nr.SYS_faccessat2, AT_FDCWD, path, writeAndSearch, AT_EACCESS) === 0;
}

export function mkdir(path: string, mode: number, at?: Fd): void {
  syscall('mkdirat', path, nr.SYS_mkdirat, directoryNumber(at), path, mode);
}

/** `mkdir -p` for absolute paths of the guest's own tree. Follows symlinks: not for paths inside a container. */
export function mkdirAll(path: string, mode = 0o755): void {
  if (exists(path)) return;
  const parts = path.split('/').filter((part) => part !== '');
  let prefix = path.startsWith('/') ? '' : '.';
  for (const part of parts) {
    prefix += `/${part}`;
    if (exists(prefix)) continue;
    const result = trySyscall(nr.SYS_mkdirat, AT_FDCWD, prefix, mode);
    if (result < 0 && !exists(prefix)) throw sysError('mkdirat', result, prefix);
  }
}

export function rmdir(path: string, at?: Fd): void {
  syscall('rmdir', path, nr.SYS_unlinkat, directoryNumber(at), path, AT_REMOVEDIR);
}

/** unlink(2); false when there is no such file. */
export function tryUnlink(path: string, at?: Fd): boolean {
  const result = trySyscall(nr.SYS_unlinkat, directoryNumber(at), path, 0);
  if (result < 0 && result !== -ENOENT) throw sysError('unlinkat', result, path);
  return result === 0;
}

export function unlink(path: string, at?: Fd): void {
  syscall('unlinkat', path, nr.SYS_unlinkat, directoryNumber(at), path, 0);
}

/** `target` as text, or as bytes that end with a NUL. */
export function symlink(target: string | Uint8Array, path: string, at?: Fd): void {
  const subject = typeof target === 'string' ? `${path} -> ${target}` : path;
  syscall('symlinkat', subject, nr.SYS_symlinkat, target, directoryNumber(at), path);
}

export function readlink(path: string, at?: Fd): string {
  const buffer = new Uint8Array(4096);
  const length = syscall('readlinkat', path, nr.SYS_readlinkat, directoryNumber(at), path, buffer, buffer.length);
  return decodeBytes(buffer.subarray(0, length));
}

interface RenameOptions {
  readonly fromAt?: Fd;
  readonly toAt?: Fd;
  /** RENAME_* bits. */
  readonly flags?: number;
}

/** renameat2(2). */
export function rename(from: string, to: string, options: RenameOptions = {}): void {
  const subject = `${from} to ${to}`;
  const fromAt = directoryNumber(options.fromAt);
  const toAt = directoryNumber(options.toAt);
  syscall('renameat2', subject, nr.SYS_renameat2, fromAt, from, toAt, to, options.flags ?? 0);
}

/** linkat(2); with an empty `from`, the file of the descriptor `fromAt` itself. */
export function link(from: string, to: string, at: { readonly fromAt?: Fd; readonly toAt?: Fd } = {}): void {
  const flags = from === '' ? AT_EMPTY_PATH : 0;
  const subject = `${from} to ${to}`;
  syscall('linkat', subject, nr.SYS_linkat, directoryNumber(at.fromAt), from, directoryNumber(at.toAt), to, flags);
}

/** mknodat(2). `mode` holds the file type; the umask applies. */
export function mknod(path: string, mode: number, major: number, minor: number, at?: Fd): void {
  const device = encodeDeviceNumber(major, minor);
  const subject = `${path} ${major}:${minor}`;
  syscall('mknodat', subject, nr.SYS_mknodat, directoryNumber(at), path, mode, device);
}

export function chmod(path: string, mode: number, at?: Fd): void {
  syscall('fchmodat', path, nr.SYS_fchmodat, directoryNumber(at), path, mode);
}

export function fchmod(fd: Fd, mode: number): void {
  syscall('fchmod', fd.what, nr.SYS_fchmod, fd.number, mode);
}

/** An id of -1 (4294967295) leaves that id alone. */
export function chown(path: string, uid: number, gid: number, options: StatOptions = {}): void {
  const flags = options.nofollow === true ? AT_SYMLINK_NOFOLLOW : 0;
  syscall('fchownat', path, nr.SYS_fchownat, directoryNumber(options.at), path, uid, gid, flags);
}

/** Works on O_PATH descriptors too. */
export function fchown(fd: Fd, uid: number, gid: number): void {
  syscall('fchownat', fd.what, nr.SYS_fchownat, fd.number, '', uid, gid, AT_EMPTY_PATH);
}

/** Names in a directory, in the file system's order, without `.` and `..`. */
export function readDirectory(path: string, at?: Fd): DirectoryEntry[] {
  using fd = open(path, O_RDONLY | O_DIRECTORY, 0, at);
  return readDirectoryFd(fd);
}

/** The same through an open directory (read from its current position). */
export function readDirectoryFd(fd: Fd): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const buffer = new Uint8Array(16 << 10);
  for (;;) {
    const count = syscall('getdents64', fd.what, nr.SYS_getdents64, fd.number, buffer, buffer.length);
    if (count === 0) return entries;
    entries.push(...readDirectoryEntries(buffer.subarray(0, count)));
  }
}
