import { DomainError } from '../../base/errors.ts';
import type { KernelFiles } from '../files/kernel-files.ts';

const MEMORY_DIR = '/sys/devices/system/memory';

/**
 * Size of a hot-pluggable memory block in bytes; 0 when the kernel has no memory hotplug. A text that is not a
 * hexadecimal number is an error (`Invalid block size`), contract storage 9.2.
 */
export function memoryBlockSizeBytes(files: KernelFiles): bigint {
  const text = files.tryRead(`${MEMORY_DIR}/block_size_bytes`);
  if (text === undefined) return 0n;
  const digits = text.trim();
  if (!/^[0-9a-fA-F]{1,16}$/.test(digits))
    throw new DomainError('internal', `Invalid block size ${digits.slice(0, 32)}`);
  return BigInt(`0x${digits}`);
}

/** True when memory is announced by writing its address (`probe`); ACPI guests find it by themselves. */
export function hasMemoryProbe(files: KernelFiles): boolean {
  return files.exists(`${MEMORY_DIR}/probe`);
}
