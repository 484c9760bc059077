import type { AbortSignal } from '../../base/abort.ts';
import { formatPciPath, parsePciPath } from '../../codec/pci-path.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import type { DeviceWaiters } from './device-waiters.ts';
import { resolvePciPath } from './resolve-pci-path.ts';
import { findVirtioBlock, type BlockDevice } from './virtio-block.ts';

/** Waits until the virtio disk at a PCI path such as `02/03` can be opened. Fails at once when a bridge is missing. */
export async function waitForVirtioBlock(
  files: KernelFiles,
  waiters: DeviceWaiters,
  pciPath: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<BlockDevice> {
  const path = parsePciPath(pciPath);
  const directory = resolvePciPath(files, path);
  return waiters.wait({
    what: `virtio-blk at PCI path ${formatPciPath(path)} (${directory})`,
    probe: () => findVirtioBlock(files, directory),
    timeoutMs,
    signal,
  });
}
