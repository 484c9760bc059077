/** Descriptors themselves, whatever they refer to, and files that have no path: pipes and memory. */
import {
  F_ADD_SEALS,
  F_DUPFD_CLOEXEC,
  F_GETFL,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  F_SETFL,
  F_SETPIPE_SZ,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  O_CLOEXEC,
  O_NONBLOCK,
} from '../abi/constants.ts';
import { EINVAL } from '../abi/errno.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { Fd } from './fd.ts';
import { seek, writeAll } from './file.ts';
import { syscall, sysError } from './syscall.ts';

/** Switches O_NONBLOCK of the open file description. */
export function setNonBlocking(fd: Fd, isNonBlocking: boolean): void {
  const flags = syscall('fcntl', fd.what, nr.SYS_fcntl, fd.number, F_GETFL, 0);
  const wanted = isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted !== flags) syscall('fcntl', fd.what, nr.SYS_fcntl, fd.number, F_SETFL, wanted);
}

/** A second descriptor for the same open file, at least `minimum`. */
export function duplicate(fd: Fd, minimum = 0): Fd {
  return new Fd(syscall('fcntl', fd.what, nr.SYS_fcntl, fd.number, F_DUPFD_CLOEXEC, minimum), fd.what);
}

/**
 * Makes descriptor `number` refer to the same file, closing what it was (dup3(2)). The number is not owned by an Fd: this
 * is for the fixed descriptors of a child about to execute a program.
 */
export function duplicateTo(fd: Fd | number, number: number, isCloseOnExec = false): void {
  const from = typeof fd === 'number' ? fd : fd.number;
  if (from === number) {
    syscall('fcntl', `${from}`, nr.SYS_fcntl, from, 2 /* F_SETFD */, isCloseOnExec ? 1 : 0);
    return;
  }
  const result = syscall('dup3', `${from} to ${number}`, nr.SYS_dup3, from, number, isCloseOnExec ? O_CLOEXEC : 0);
  if (result !== number) throw sysError('dup3', -EINVAL, `${from} to ${number}`);
}

/** pipe2(2), close-on-exec; add O_NONBLOCK for the ends the event loop watches. */
export function pipe(flags = 0): { reader: Fd; writer: Fd } {
  const numbers = new StructView(8);
  syscall('pipe2', '', nr.SYS_pipe2, numbers.bytes, flags | O_CLOEXEC);
  return { reader: new Fd(numbers.i32(0), 'pipe'), writer: new Fd(numbers.i32(4), 'pipe') };
}

/** F_SETPIPE_SZ: the size the kernel chose, in bytes. */
export function setPipeSize(fd: Fd, bytes: number): number {
  return syscall('fcntl', `${fd.what} F_SETPIPE_SZ ${bytes}`, nr.SYS_fcntl, fd.number, F_SETPIPE_SZ, bytes);
}

/** memfd_create(2), close-on-exec. With `sealed` the file holds these bytes and can never change again. */
export function memfd(name: string, options: { readonly sealed?: Uint8Array } = {}): Fd {
  const flags = MFD_CLOEXEC | (options.sealed === undefined ? 0 : MFD_ALLOW_SEALING);
  const file = new Fd(syscall('memfd_create', name, nr.SYS_memfd_create, name, flags), `memfd ${name}`);
  const { sealed } = options;
  if (sealed === undefined) return file;
  return file.prepared((fd) => {
    writeAll(fd, sealed);
    seek(fd, 0);
    const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    syscall('fcntl', `${name} F_ADD_SEALS`, nr.SYS_fcntl, fd.number, F_ADD_SEALS, seals);
  });
}
