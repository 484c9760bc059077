import type { AbortSignal } from '../../base/abort.ts';
import type { Logger } from '../../base/log.ts';
import { formatPciPath, parsePciPath, type PciPath } from '../../codec/pci-path.ts';
import type { AttachedDevice } from './attached-device.ts';
import { bindVfio, findVfioGroup } from './bind-vfio.ts';
import { deviceError } from './device-error.ts';
import type { DeviceUpdate, FoundDevice } from './device-update.ts';
import { resolvePciPath } from './resolve-pci-path.ts';
import { parseScsiAddress } from './scsi-disk.ts';
import { parseVfioFunctions } from './vfio-functions.ts';
import type { BlockDevice } from './virtio-block.ts';
import { waitForBlockNode } from './wait-for-block-node.ts';
import { waitForScsiDisk, type ScsiWait } from './wait-for-scsi-disk.ts';
import { waitForVirtioBlock } from './wait-for-virtio-block.ts';

/** What is needed to find devices. */
export interface DeviceContext extends ScsiWait {
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface DeviceType {
  /** Refuses what cannot be, before anything is touched. */
  readonly check: (device: AttachedDevice) => void;
  readonly find: (device: AttachedDevice, context: DeviceContext) => Promise<FoundDevice>;
}

function fromBlock(device: AttachedDevice, { major, minor }: BlockDevice): FoundDevice {
  const update: DeviceUpdate = { containerPath: device.containerPath, type: 'b', major, minor };
  return { update, pciAddresses: [], isVfio: false };
}

function requireVmPath({ type, vmPath }: AttachedDevice): void {
  if (vmPath === '') throw deviceError(`Invalid path for ${type} device: vm_path is empty`);
  if (!vmPath.startsWith('/dev/')) throw deviceError(`vm_path ${JSON.stringify(vmPath)} does not start with /dev/`);
}

/** A device that must be there already. */
function findPresent(device: AttachedDevice, { files }: DeviceContext): FoundDevice {
  const node = files.tryNode(device.vmPath);
  if (node === undefined) throw deviceError(`VM device path ${device.vmPath} doesn't exist`);
  if (node.type === 'other') throw deviceError(`${device.vmPath} is neither a block nor a character device`);
  const { type, major, minor } = node;
  return { update: { containerPath: device.containerPath, type, major, minor }, pciAddresses: [], isVfio: false };
}

/** Waits for a PCI function, and tells its address in the guest. */
async function waitForFunction(path: PciPath, context: DeviceContext): Promise<string> {
  const { files, waiters, timeoutMs, signal } = context;
  const directory = resolvePciPath(files, path);
  return waiters.wait({
    what: `PCI function ${formatPciPath(path)} (${directory})`,
    probe: () => (files.exists(`/sys${directory}`) ? directory.slice(directory.lastIndexOf('/') + 1) : undefined),
    timeoutMs,
    signal,
  });
}

async function findVfio(device: AttachedDevice, context: DeviceContext): Promise<FoundDevice> {
  const { files, waiters, timeoutMs, signal, log } = context;
  const pciAddresses: (readonly [string, string])[] = [];
  let group: string | undefined;
  for (const { hostAddress, path } of parseVfioFunctions(device)) {
    if (path === undefined) {
      log.warn('a passed-through function without its place in the guest', { host: hostAddress });
      continue;
    }
    const address = await waitForFunction(path, context);
    pciAddresses.push([hostAddress, address]);
    if (device.type !== 'vfio-pci') continue;
    const found = await context.runBlocking(`bind ${address} to vfio-pci`, () => bindVfio(files, address));
    if (group !== undefined && found !== group) throw deviceError(`${address} is not in guest IOMMU group ${group}`);
    group = found;
  }
  if (device.type !== 'vfio-pci') return { update: undefined, pciAddresses, isVfio: true };
  if (group === undefined) throw deviceError(`failed to get VFIO group of ${device.containerPath}`);
  const wanted = group;
  const { node, major, minor } = await waiters.wait({
    what: `VFIO group ${wanted}`,
    probe: () => findVfioGroup(files, wanted),
    timeoutMs,
    signal,
  });
  const update: DeviceUpdate = { containerPath: device.containerPath, type: 'c', major, minor, path: node };
  return { update, pciAddresses, isVfio: true };
}

const vfio: DeviceType = { check: (device) => void parseVfioFunctions(device), find: findVfio };

/** By the type's name on the wire; a Map, because the name is outside input. */
const TYPES: ReadonlyMap<string, DeviceType> = new Map<string, DeviceType>([
  [
    'blk',
    {
      check: ({ id }) => void parsePciPath(id),
      find: async (device, { files, waiters, timeoutMs, signal }) =>
        fromBlock(device, await waitForVirtioBlock(files, waiters, device.id, timeoutMs, signal)),
    },
  ],
  [
    'mmioblk',
    {
      check: requireVmPath,
      find: async (device, { files, waiters, timeoutMs, signal }) =>
        fromBlock(device, await waitForBlockNode(files, waiters, device.vmPath, timeoutMs, signal)),
    },
  ],
  [
    'scsi',
    {
      check: ({ id }) => void parseScsiAddress(id),
      find: async (device, context) => fromBlock(device, await waitForScsiDisk(context, device.id, context.signal)),
    },
  ],
  ['nvdimm', { check: requireVmPath, find: async (device, context) => findPresent(device, context) }],
  ['vfio-pci', vfio],
  ['vfio-pci-gk', vfio],
]);

function typeOf(device: AttachedDevice): DeviceType {
  const type = TYPES.get(device.type);
  // Hosts and tests know this text (contract storage 8.1).
  if (type === undefined) throw deviceError(`Failed to find the device handler ${device.type}`);
  return type;
}

/** Everything about a device that can be refused before anything is touched. Throws a DomainError `internal`. */
export function checkAttachedDevice(device: AttachedDevice): void {
  if (device.type === '') throw deviceError(`invalid type for device ${device.id}`);
  if (device.id === '' && device.vmPath === '') throw deviceError('invalid ID and VM path for device');
  if (device.containerPath === '') throw deviceError(`invalid container path for device ${device.id}`);
  typeOf(device).check(device);
}

/** Waits for a device, and tells what it is in the guest. */
export function findAttachedDevice(device: AttachedDevice, context: DeviceContext): Promise<FoundDevice> {
  return typeOf(device).find(device, context);
}
