/** Waiting without the event loop, for the few places where it cannot run: the last moments before power-off. */
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { SYS_ppoll } from '../abi/syscalls.ts';
import type { Fd } from './fd.ts';
import { syscall } from './syscall.ts';

/** `struct pollfd` of poll(2): int fd; short events; short revents. */
const POLLFD_BYTES = 8;
const POLLIN = 1;

/** Blocks the whole program until `fd` is readable or hung up, at most `timeoutMs`. True when it is. */
export function blockUntilReadable(fd: Fd, timeoutMs: number): boolean {
  const entry = new StructView(POLLFD_BYTES).setU32(0, fd.number).setU16(4, POLLIN);
  const timeout = new StructView(layouts.timespec.sizeof)
    .setU64(layouts.timespec.tv_sec, Math.trunc(timeoutMs / 1000))
    .setU64(layouts.timespec.tv_nsec, Math.trunc((timeoutMs % 1000) * 1e6));
  return syscall('ppoll', fd.what, SYS_ppoll, entry.bytes, 1, timeout.bytes, null, 8) > 0;
}
