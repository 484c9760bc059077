import type { AbortSignal } from '../../base/abort.ts';
import type { VolumeStats } from '../volume/volume-stats.ts';

/** What the API asks of the guest's machine: clock, randomness, memory, swap, volumes. */
export interface MachineServices {
  /** Sets the wall clock. `usec`: 0 to 999999. */
  setDateTime(sec: bigint, usec: bigint): void;
  /** Mixes `seed` into the kernel's pool and has it used at once. */
  reseedRandom(seed: Uint8Array): Promise<void>;
  /** Tells the kernel of memory at these physical addresses. */
  probeMemory(addresses: readonly bigint[]): Promise<void>;
  /** Waits for the disk at these PCI slots and swaps to it. */
  addSwap(slots: readonly number[], signal: AbortSignal): Promise<void>;
  /** Swaps to a prepared device or file at an absolute path. */
  addSwapPath(path: string): Promise<void>;
  /** Of the file system that holds an absolute path of the guest. */
  volumeStats(path: string): Promise<VolumeStats>;
  /** Grows the mounted volume at an absolute path; 0: to its whole device. Size in bytes. */
  resizeVolume(path: string, size: bigint, signal: AbortSignal): Promise<void>;
}
