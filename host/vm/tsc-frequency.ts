import { readFileSync } from 'node:fs';

/** What a time stamp counter may run at, in kHz: anything else is not one. */
const LEAST_KHZ = 200_000;
const MOST_KHZ = 20_000_000;

/**
 * How fast the time stamp counter of this host runs, in kHz, to 5 kHz; undefined where it is not constant, or not there. A guest that QEMU
 * emulates on a PC reads the same counter, but cannot measure it where the machine has no other clock.
 *
 * Linux on x86 sets `bogomips` to twice the MHz that it measured of the counter (calibrate_delay, "calculated using timer frequency");
 * `cpu MHz` is the frequency of the core, which changes.
 */
export function tscFrequencyKhz(cpuinfo = readCpuinfo()): number | undefined {
  if (!/^flags\s*:.*\bconstant_tsc\b/m.test(cpuinfo)) return undefined;
  const found = new Set([...cpuinfo.matchAll(/^bogomips\s*:\s*(\d+\.\d+)$/gm)].map((match) => Number(match[1])));
  const [bogomips, ...others] = found;
  if (bogomips === undefined || others.length > 0) return undefined;
  const khz = Math.round(bogomips * 500);
  return khz >= LEAST_KHZ && khz <= MOST_KHZ ? khz : undefined;
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    return '';
  }
}
