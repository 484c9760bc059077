import type { AbortSignal } from '../../base/abort.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import { deviceError } from './device-error.ts';
import type { DeviceWaiters } from './device-waiters.ts';
import { parseDeviceNumbers, type BlockDevice } from './virtio-block.ts';

/** Names that the kernel gives block devices: `vda`, `pmem0`, `nvme0n1p2`. */
const NODE = /^\/dev\/([A-Za-z0-9_-]{1,64})$/;

/**
 * Waits until a block device that is known by its node, `/dev/vda` or `/dev/pmem0`, can be opened. One that is there already
 * is taken at once (contract storage 4.1 and 4.2). Throws a DomainError `internal`.
 */
export async function waitForBlockNode(
  files: KernelFiles,
  waiters: DeviceWaiters,
  node: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<BlockDevice> {
  if (!node.startsWith('/dev/')) throw deviceError(`${JSON.stringify(node.slice(0, 100))} does not start with /dev/`);
  const name = NODE.exec(node)?.[1];
  if (name === undefined) throw deviceError(`${JSON.stringify(node.slice(0, 100))} is not the node of a block device`);
  return waiters.wait({ what: `block device ${node}`, probe: () => findNode(files, name, node), timeoutMs, signal });
}

function findNode(files: KernelFiles, name: string, node: string): BlockDevice | undefined {
  const actual = files.tryBlockDevice(node);
  if (actual === undefined) return undefined;
  // A node that was left behind, or put there by an image, is not the device of that name.
  const expected = parseDeviceNumbers(files.tryRead(`/sys/class/block/${name}/dev`) ?? '');
  return expected?.major === actual.major && expected.minor === actual.minor ? { name, node, ...actual } : undefined;
}
