/** Terminals: pseudo-terminal pairs, window size, the controlling terminal. */
import { EIO } from '../abi/errno.ts';
import {
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  TIOCGPTN,
  TIOCGPTPEER,
  TIOCGWINSZ,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from '../abi/constants.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { Fd } from './fd.ts';
import { open, openAt, tryRead } from './file.ts';
import { syscall } from './syscall.ts';

/** ioctl(2) with a pointer or number argument. */
export function ioctl(fd: Fd, name: string, request: number, argument: number | Uint8Array | null): number {
  return syscall('ioctl', `${fd.what} ${name}`, nr.SYS_ioctl, fd.number, request, argument);
}

export interface Pty {
  readonly master: Fd;
  readonly slave: Fd;
  /** Number below `/dev/pts`. */
  readonly index: number;
}

/** Opens `ptmx` (of the devpts whose root directory is given, else `/dev/ptmx`) and its peer by TIOCGPTPEER, so by no path. */
export function openPty(devpts?: Fd): Pty {
  const master =
    devpts === undefined
      ? open('/dev/ptmx', O_RDWR | O_NOCTTY)
      : // What a container has mounted over it is not even opened.
        openAt(devpts, 'ptmx', { flags: O_RDWR | O_NOCTTY, resolve: RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS });
  try {
    return { master, ...openPtyPeer(master) };
  } catch (error) {
    master.close();
    throw error;
  }
}

/** The slave side of an open, verified ptmx. */
export function openPtyPeer(master: Fd): { readonly slave: Fd; readonly index: number } {
  ioctl(master, 'TIOCSPTLCK', TIOCSPTLCK, new StructView(4).bytes);
  const index = new StructView(4);
  ioctl(master, 'TIOCGPTN', TIOCGPTN, index.bytes);
  const number = ioctl(master, 'TIOCGPTPEER', TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  return { slave: new Fd(number, `pts/${index.u32(0)}`), index: index.u32(0) };
}

/**
 * read(2) of what a process writes, a pipe or the master of its terminal, that gives -errno. EIO of a master is its end
 * (tty_ioctl(4) names it a hang-up), but a first one may come too early: n_tty waits for bytes on their way, and only
 * then looks whether the other side is closed, so what was written and closed in between is not seen by that read.
 * Nobody can write after it, so the second read waits for the last bytes.
 */
export function tryReadOutput(fd: Fd, buffer: Uint8Array): number {
  const count = tryRead(fd, buffer);
  return count === -EIO ? tryRead(fd, buffer) : count;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

export function setWindowSize(fd: Fd, size: WindowSize): void {
  const at = layouts.winsize;
  const view = new StructView(at.sizeof).setU16(at.ws_row, size.rows).setU16(at.ws_col, size.columns);
  ioctl(fd, 'TIOCSWINSZ', TIOCSWINSZ, view.bytes);
}

export function getWindowSize(fd: Fd): WindowSize {
  const at = layouts.winsize;
  const view = new StructView(at.sizeof);
  ioctl(fd, 'TIOCGWINSZ', TIOCGWINSZ, view.bytes);
  return { rows: view.u16(at.ws_row), columns: view.u16(at.ws_col) };
}

/** Makes the terminal the controlling one of this session (the caller leads it). `steal` takes it from another session. */
export function setControllingTerminal(fd: Fd, steal = false): void {
  ioctl(fd, 'TIOCSCTTY', TIOCSCTTY, steal ? 1 : 0);
}
