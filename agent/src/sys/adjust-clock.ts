/** Following another clock: PTP devices (Documentation/driver-api/ptp.rst of the kernel) and clock_adjtime(2). */
import {
  ADJ_ESTERROR,
  ADJ_FREQUENCY,
  ADJ_MAXERROR,
  ADJ_NANO,
  ADJ_SETOFFSET,
  ADJ_STATUS,
  CLOCK_REALTIME,
} from '../abi/constants.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import type { Fd } from './fd.ts';
import { syscall } from './syscall.ts';

const NS_PER_SEC = 1_000_000_000n;
/** `freq` counts millionths in 2^-16. */
const SCALED_PER_PPB = 65.536;
/** What we claim to be wrong by, in us: a comparison is better than that. */
const ERROR_US = 1000;

const timespec = new StructView(layouts.timespec.sizeof);
const at = layouts.timex;

/** A clock's time in ns since 1970; times before are negative. */
function readNs(clock: number): bigint {
  syscall('clock_gettime', String(clock), nr.SYS_clock_gettime, clock, timespec.bytes);
  return BigInt.asIntN(64, timespec.u64(0)) * NS_PER_SEC + timespec.u64(8);
}

/** One clock against the wall clock, which is read before and after. In ns. */
export interface Comparison {
  /** The other clock minus the wall clock. */
  readonly offsetNs: bigint;
  readonly delayNs: bigint;
}

/** Compares a clock of the kernel (a CLOCK_* number) with the wall clock. */
export function compareWithClock(clock: number): Comparison {
  const before = readNs(CLOCK_REALTIME);
  const reference = readNs(clock);
  const after = readNs(CLOCK_REALTIME);
  return { offsetNs: reference - (before + after) / 2n, delayNs: after - before };
}

/** Compares the clock behind an open PTP device with the wall clock. */
export function compareWithDevice(device: Fd): Comparison {
  // clock_getres(2): FD_TO_CLOCKID.
  return compareWithClock((~device.number << 3) | 3);
}

function adjust(what: string, timex: StructView): void {
  syscall('clock_adjtime', what, nr.SYS_clock_adjtime, CLOCK_REALTIME, timex.bytes);
}

/** Adds to the wall clock in one step. */
export function stepWallClock(offsetNs: bigint): void {
  const remainder = ((offsetNs % NS_PER_SEC) + NS_PER_SEC) % NS_PER_SEC;
  const timex = new StructView(at.sizeof)
    .setU32(at.modes, ADJ_SETOFFSET | ADJ_NANO)
    .setU64(at.time, (offsetNs - remainder) / NS_PER_SEC)
    // tv_usec, which holds ns with ADJ_NANO and must not be negative.
    .setU64(at.time + 8, remainder);
  adjust(`step by ${offsetNs} ns`, timex);
}

/** Lets the wall clock run faster by `ppb` billionths, and says that it is synchronised. */
export function slewWallClock(ppb: number): void {
  const timex = new StructView(at.sizeof)
    .setU32(at.modes, ADJ_FREQUENCY | ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR)
    .setU64(at.freq, Math.round(ppb * SCALED_PER_PPB))
    .setU64(at.maxerror, ERROR_US)
    .setU64(at.esterror, ERROR_US)
    // No STA_UNSYNC, and no loop of the kernel's own.
    .setU32(at.status, 0);
  adjust(`frequency ${ppb} ppb`, timex);
}
