/** The machine as a whole: clocks, randomness, identity, power. */
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  LINUX_REBOOT_CMD_POWER_OFF,
  LINUX_REBOOT_MAGIC1,
  LINUX_REBOOT_MAGIC2,
} from '../abi/constants.ts';
import { littleEndian } from '../abi/byte-order.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { decodeBytes } from '../base/text.ts';
import type { Fd } from './fd.ts';
import { rawSyscall } from './engine.ts';
import { syscall } from './syscall.ts';

/** Switches the machine off. Returns only to throw. Does not sync: see `sync` in file.ts. */
export function powerOff(): void {
  const arg = 0;
  syscall(
    'reboot',
    'power off',
    nr.SYS_reboot,
    LINUX_REBOOT_MAGIC1,
    LINUX_REBOOT_MAGIC2,
    LINUX_REBOOT_CMD_POWER_OFF,
    arg,
  );
}

const timespec = new StructView(layouts.timespec.sizeof);

function clock(id: number): { sec: bigint; nsec: number } {
  rawSyscall(nr.SYS_clock_gettime, id, timespec.bytes);
  return { sec: timespec.u64(0), nsec: timespec.u32(8) };
}

/** Wall-clock time. */
export function wallClock(): { readonly sec: bigint; readonly nsec: number } {
  return clock(CLOCK_REALTIME);
}

/** clock_settime(2) of the wall clock; EINVAL for a time before 1970 or one that the kernel cannot hold. */
export function setWallClock(sec: bigint, nsec: number): void {
  const value = new StructView(layouts.timespec.sizeof).setU64(0, sec).setU64(8, nsec);
  syscall(
    'clock_settime',
    `${sec}.${String(nsec).padStart(9, '0')}`,
    nr.SYS_clock_settime,
    CLOCK_REALTIME,
    value.bytes,
  );
}

/** Where the low half of `tv_sec` lies. */
const secondsLow = Number(!littleEndian) * 4;

/** Milliseconds on the monotonic clock; only differences mean anything. */
export function monotonicMs(): number {
  rawSyscall(nr.SYS_clock_gettime, CLOCK_MONOTONIC, timespec.bytes);
  // Seconds since the start fit one half; a BigInt would be an object for every look at the clock.
  return timespec.u32(secondsLow) * 1000 + timespec.u32(8) / 1e6;
}

/** getrandom(2), without waiting for the pool: ids need to differ, not to be secret. */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  syscall('getrandom', '', nr.SYS_getrandom, bytes, length, 4 /* GRND_INSECURE: early boot must not block */);
  return bytes;
}

export interface Utsname {
  readonly sysname: string;
  readonly nodename: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
}

export function uname(): Utsname {
  const at = layouts.new_utsname;
  const view = new StructView(at.sizeof);
  syscall('uname', '', nr.SYS_uname, view.bytes);
  const text = (offset: number): string => {
    const bytes = view.bytes.subarray(offset, offset + 65);
    return decodeBytes(bytes.subarray(0, bytes.indexOf(0)));
  };
  return {
    sysname: text(at.sysname),
    nodename: text(at.nodename),
    release: text(at.release),
    version: text(at.version),
    machine: text(at.machine),
  };
}

/** finit_module(2) with parameters, e.g. `debug=1`. EEXIST means it is loaded already. */
export function loadModule(file: Fd, parameters: string): void {
  syscall('finit_module', file.what, nr.SYS_finit_module, file.number, parameters, 0);
}

/** swapon(2): pages may go to this prepared device or file. Reads its header, so it may wait for a device. */
export function swapOn(path: string): void {
  syscall('swapon', path, nr.SYS_swapon, path, 0);
}
