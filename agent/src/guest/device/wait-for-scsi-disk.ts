import type { AbortSignal } from '../../base/abort.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import type { DeviceWaiters } from './device-waiters.ts';
import { findScsiDisk, parseScsiAddress, scanScsi } from './scsi-disk.ts';
import type { BlockDevice } from './virtio-block.ts';

export interface ScsiWait {
  readonly files: KernelFiles;
  readonly waiters: DeviceWaiters;
  readonly timeoutMs: number;
  /** Runs what may block, with a deadline. */
  readonly runBlocking: <T>(name: string, work: () => T) => Promise<T>;
}

/** Has the guest look for the disk at `<id>:<lun>`, and waits until it can be opened. */
export async function waitForScsiDisk(parts: ScsiWait, address: string, signal: AbortSignal): Promise<BlockDevice> {
  const { files, waiters, timeoutMs } = parts;
  const parsed = parseScsiAddress(address);
  await parts.runBlocking(`scan for the SCSI disk ${address}`, () => {
    scanScsi(files, parsed);
    return true;
  });
  return waiters.wait({
    what: `SCSI disk 0:0:${parsed.id}:${parsed.lun}`,
    probe: () => findScsiDisk(files, parsed),
    timeoutMs,
    signal,
  });
}
