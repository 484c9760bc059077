import type { KernelFiles } from '../files/kernel-files.ts';
import { deviceError } from './device-error.ts';
import { matchBlockNode, type BlockDevice } from './virtio-block.ts';

/** Where a disk sits on the virtio-scsi adapter, which is the guest's only SCSI host: host and channel are 0. */
export interface ScsiAddress {
  readonly id: number;
  readonly lun: number;
}

/** Limits of virtio-scsi (virtio 1.2, section 5.6.4): targets, and logical units of one target. */
const MAX_ID = 255;
const MAX_LUN = 16_383;

/** Parses `<id>:<lun>`, decimal (contract storage 7.3). Throws a DomainError `internal`. */
export function parseScsiAddress(text: string): ScsiAddress {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  const id = Number(match?.[1] ?? Infinity);
  const lun = Number(match?.[2] ?? Infinity);
  if (id <= MAX_ID && lun <= MAX_LUN) return { id, lun };
  throw deviceError(`Unexpected format for SCSI Address: ${JSON.stringify(text.slice(0, 100))}, expect SCSIID:LUN`);
}

const HOSTS = '/sys/class/scsi_host';

/**
 * Asks every SCSI host to look at one address. A disk that is known already is not disturbed. Waits for the adapter's answer,
 * so it may block. Throws SysError.
 */
export function scanScsi(files: KernelFiles, { id, lun }: ScsiAddress): void {
  for (const host of files.tryList(HOSTS) ?? []) files.write(`${HOSTS}/${host}/scan`, `0 ${id} ${lun}`);
}

/** The disk at an address, or undefined while there is none or its node is not there. */
export function findScsiDisk(files: KernelFiles, { id, lun }: ScsiAddress): BlockDevice | undefined {
  return matchBlockNode(files, `/sys/bus/scsi/devices/0:0:${id}:${lun}/block`);
}
