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
  return blockUntilAny([fd], timeoutMs)[0] === true;
}

/** The same for several; tells which are readable or hung up. Infinity waits for ever. */
export function blockUntilAny(fds: readonly Fd[], timeoutMs: number): readonly boolean[] {
  const entries = new StructView(POLLFD_BYTES * fds.length);
  for (const [index, fd] of fds.entries())
    entries.setU32(index * POLLFD_BYTES, fd.number).setU16(index * POLLFD_BYTES + 4, POLLIN);
  let timeout: StructView | undefined;
  if (timeoutMs !== Infinity) {
    timeout = new StructView(layouts.timespec.sizeof)
      .setU64(layouts.timespec.tv_sec, Math.trunc(timeoutMs / 1000))
      .setU64(layouts.timespec.tv_nsec, Math.trunc((timeoutMs % 1000) * 1e6));
  }
  const subject = fds.map((fd) => fd.what).join(', ');
  syscall('ppoll', subject, SYS_ppoll, entries.bytes, fds.length, timeout?.bytes ?? null, null, 8);
  return fds.map((_, index) => entries.u16(index * POLLFD_BYTES + 6) !== 0);
}

/** Sleeps, with the whole program. */
export function pauseFor(ms: number): void {
  const timeout = new StructView(layouts.timespec.sizeof)
    .setU64(layouts.timespec.tv_sec, Math.trunc(ms / 1000))
    .setU64(layouts.timespec.tv_nsec, Math.trunc((ms % 1000) * 1e6));
  syscall('ppoll', `${ms} ms`, SYS_ppoll, null, 0, timeout.bytes, null, 8);
}
