import type { AbortSignal } from '../../base/abort.ts';
import { formatPciPath, type PciPath } from '../../codec/pci-path.ts';
import { resolvePciPath } from '../device/resolve-pci-path.ts';
import type { DeviceWaiters } from '../device/device-waiters.ts';
import type { KernelFiles } from '../files/kernel-files.ts';

/** An interface that was found behind a PCI function. */
export interface PciInterface {
  readonly name: string;
  /** A virtio card has its interface one level further down, and gets its hardware address from the host. */
  readonly isVirtio: boolean;
}

function findInterface(files: KernelFiles, directory: string): PciInterface | undefined {
  const base = `/sys${directory}`;
  const own = files.tryList(`${base}/net`)?.[0];
  if (own !== undefined) return { name: own, isVirtio: false };
  for (const child of files.tryList(base) ?? []) {
    if (!/^virtio\d+$/.test(child)) continue;
    const name = files.tryList(`${base}/${child}/net`)?.[0];
    if (name !== undefined) return { name, isVirtio: true };
  }
  return undefined;
}

/** Waits until the network card at a PCI path has an interface. */
export async function waitForInterface(
  files: KernelFiles,
  waiters: DeviceWaiters,
  path: PciPath,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PciInterface> {
  const directory = resolvePciPath(files, path);
  return waiters.wait({
    what: `network interface at PCI path ${formatPciPath(path)} (${directory})`,
    probe: () => findInterface(files, directory),
    timeoutMs,
    signal,
  });
}
