import { formatPciPath, type PciPath, type PciSlot } from '../../codec/pci-path.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import { deviceError } from './device-error.ts';

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** Name of a function in sysfs: `0000:01:03.0`. */
function functionName(bus: string, { slot, function: number }: PciSlot): string {
  return `${bus}:${hex(slot)}.${number}`;
}

/** Directory of a root bus below `/sys`. Boards without ACPI have it below a platform device (`4010000000.pcie`). */
function rootDirectory(files: KernelFiles, rootBus: number): string {
  const name = `pci0000:${hex(rootBus)}`;
  const direct = `/devices/${name}`;
  if (files.exists(`/sys${direct}`)) return direct;
  for (const platform of files.tryList('/sys/devices/platform') ?? []) {
    const path = `/devices/platform/${platform}/${name}`;
    if (platform.endsWith('.pcie') && files.exists(`/sys${path}`)) return path;
  }
  return direct;
}

/** The bus behind a bridge, e.g. `0000:01`: from its `pci_bus` directory, else from the functions it has. */
function busBehind(files: KernelFiles, bridge: string): string | undefined {
  const buses = files.tryList(`/sys${bridge}/pci_bus`);
  if (buses !== undefined) return buses.length === 1 ? buses[0] : undefined;
  const found = new Set<string>();
  for (const child of files.tryList(`/sys${bridge}`) ?? []) {
    const match = /^([0-9a-f]{4}:[0-9a-f]{2}):[0-9a-f]{2}\.[0-7]$/.exec(child);
    if (match?.[1] !== undefined) found.add(match[1]);
  }
  return found.size === 1 ? [...found][0] : undefined;
}

/**
 * Directory of a PCI function below `/sys`, e.g. `/devices/pci0000:00/0000:00:02.0/0000:01:03.0` (contract storage 7.2). The
 * function itself need not be there yet; a bridge on the way that is missing is an error at once, since bridges are not
 * hot-plugged.
 */
export function resolvePciPath(files: KernelFiles, path: PciPath): string {
  let directory = rootDirectory(files, path.rootBus);
  let bus = `0000:${hex(path.rootBus)}`;
  for (const [index, slot] of path.slots.entries()) {
    directory += `/${functionName(bus, slot)}`;
    if (index === path.slots.length - 1) break;
    const next = busBehind(files, directory);
    if (next === undefined) throw deviceError(`PCI path ${formatPciPath(path)}: no bridge at /sys${directory}`);
    bus = next;
  }
  return directory;
}
