/** The modes of a terminal (termios(3), in the form of the kernel: asm-generic/termbits.h). */
import { TCGETS, TCSETSW } from '../abi/constants.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { SYS_ioctl } from '../abi/syscalls.ts';
import type { Fd } from './fd.ts';
import { trySyscall } from './syscall.ts';
import { ioctl } from './terminal.ts';

/** `struct termios`: four words of flags, the line discipline, 19 control characters. */
const at = { sizeof: 36, c_iflag: 0, c_oflag: 4, c_cflag: 8, c_lflag: 12, c_cc: 17 } as const;

const IGNBRK = 0o1;
const BRKINT = 0o2;
const PARMRK = 0o10;
const ISTRIP = 0o40;
const INLCR = 0o100;
const IGNCR = 0o200;
const ICRNL = 0o400;
const IXON = 0o2000;
const OPOST = 0o1;
const CSIZE = 0o60;
const PARENB = 0o400;
const CS8 = 0o60;
const ISIG = 0o1;
const ICANON = 0o2;
const ECHO = 0o10;
const ECHONL = 0o100;
const IEXTEN = 0o100000;
const VTIME = 5;
const VMIN = 6;

/** True when the descriptor is a terminal. */
export function isTerminal(fd: Fd): boolean {
  return trySyscall(SYS_ioctl, fd.number, TCGETS, new StructView(at.sizeof).bytes) >= 0;
}

/** The modes now, to be given back to `setTerminalModes`. */
export function terminalModes(fd: Fd): Uint8Array {
  const view = new StructView(at.sizeof);
  ioctl(fd, 'TCGETS', TCGETS, view.bytes);
  return view.bytes;
}

/** Sets the modes once everything written before has gone out. */
export function setTerminalModes(fd: Fd, modes: Uint8Array): void {
  ioctl(fd, 'TCSETSW', TCSETSW, modes);
}

/** The same modes made raw, as cfmakeraw(3) does: bytes come and go unchanged, no key is special. */
export function rawModes(modes: Uint8Array): Uint8Array {
  const view = new StructView(at.sizeof);
  view.bytes.set(modes);
  const clear = (offset: number, bits: number): void => void view.setU32(offset, (view.u32(offset) & ~bits) >>> 0);
  clear(at.c_iflag, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  clear(at.c_oflag, OPOST);
  clear(at.c_lflag, ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  clear(at.c_cflag, CSIZE | PARENB);
  view.setU32(at.c_cflag, (view.u32(at.c_cflag) | CS8) >>> 0);
  view.bytes[at.c_cc + VMIN] = 1;
  view.bytes[at.c_cc + VTIME] = 0;
  return view.bytes;
}
