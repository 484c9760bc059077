import { DomainError } from '../../base/errors.ts';
import type { KernelFiles } from '../files/kernel-files.ts';

const PROBE = '/sys/devices/system/memory/probe';
/** A host sends one per memory section; more is no memory any more. */
const MAX_ADDRESSES = 65_536;

/**
 * Tells the kernel of memory at these physical addresses (MemHotplugByProbe, contract storage 9.2), for machines without ACPI. Stops
 * at the first one that the kernel refuses; earlier ones stay. May take milliseconds each: run it in a child.
 */
export function probeMemory(files: KernelFiles, addresses: readonly bigint[]): void {
  if (addresses.length > MAX_ADDRESSES)
    throw new DomainError('invalid_argument', `memHotplugProbeAddr: more than ${MAX_ADDRESSES} addresses`);
  for (const address of addresses) {
    const text = `0x${address.toString(16).toUpperCase()}`;
    try {
      files.write(PROBE, text);
    } catch (error) {
      throw new DomainError('internal', `memory at ${text}`, error);
    }
  }
}
