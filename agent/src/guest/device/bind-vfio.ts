import type { KernelFiles } from '../files/kernel-files.ts';
import { deviceError } from './device-error.ts';

const DRIVER = 'vfio-pci';

/**
 * Gives a PCI function of the guest to vfio-pci, and tells its IOMMU group, a decimal number. What is bound already stays.
 * May block: a driver that lets go of its device can take long. Throws SysError, or a DomainError `internal`.
 */
export function bindVfio(files: KernelFiles, address: string): string {
  const device = `/sys/bus/pci/devices/${address}`;
  files.write(`${device}/driver_override`, DRIVER);
  const driver = files.tryLinkName(`${device}/driver`);
  if (driver !== DRIVER) {
    if (driver !== undefined) files.write(`${device}/driver/unbind`, address);
    files.write('/sys/bus/pci/drivers_probe', address);
  }
  const group = files.tryLinkName(`${device}/iommu_group`);
  if (group === undefined || !/^\d{1,10}$/.test(group)) throw deviceError(`${address} has no IOMMU group`);
  return group;
}

/** The node of an IOMMU group, once sysfs and the node agree. */
export function findVfioGroup(
  files: KernelFiles,
  group: string,
): { readonly node: string; readonly major: number; readonly minor: number } | undefined {
  const node = `/dev/vfio/${group}`;
  const found = files.tryNode(node);
  if (found?.type !== 'c') return undefined;
  const expected = files.tryRead(`/sys/devices/virtual/vfio/${group}/dev`)?.trim();
  return expected === `${found.major}:${found.minor}` ? { node, major: found.major, minor: found.minor } : undefined;
}
