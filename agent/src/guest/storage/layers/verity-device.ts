import { O_RDWR, S_IFBLK } from '../../../abi/constants.ts';
import { wrapError } from '../../../base/errors.ts';
import { isSysError } from '../../../base/sys-error.ts';
import {
  dmCommands,
  dmDeferredRemove,
  dmDeviceNumber,
  encodeDmRequest,
  encodeVerityTable,
} from '../../../codec/device-mapper.ts';
import type { VerityTarget } from '../../../codec/device-mapper.ts';
import type { Fd } from '../../../sys/fd.ts';
import { mkdirAll, mknod, open, unlink } from '../../../sys/file.ts';
import { ioctl } from '../../../sys/terminal.ts';
import { storageFailure } from '../storage-error.ts';

const FOLDER = '/dev/mapper';

function openControl(): Fd {
  try {
    return open(`${FOLDER}/control`, O_RDWR);
  } catch (error) {
    // Never an unverified mount instead.
    throw storageFailure('dm-verity: the kernel of this guest has no device mapper', error);
  }
}

/** Takes a device away, or when its last user leaves; one that is not there is fine. */
function remove(control: Fd, name: string): void {
  try {
    ioctl(control, 'DM_DEV_REMOVE', dmCommands.remove, encodeDmRequest(name, dmDeferredRemove).bytes);
  } catch (error) {
    if (!isSysError(error, 'ENXIO')) throw error;
  }
  try {
    unlink(`${FOLDER}/${name}`);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
}

/** Makes a verity device and its node below `/dev/mapper`, whose path it gives. A stale one of its name goes first. Straight-line. */
export function createVerityDevice(name: string, verity: VerityTarget): string {
  using control = openControl();
  remove(control, name);
  const made = encodeDmRequest(name);
  ioctl(control, 'DM_DEV_CREATE', dmCommands.create, made.bytes);
  try {
    ioctl(control, 'DM_TABLE_LOAD', dmCommands.load, encodeVerityTable(name, verity).bytes);
    ioctl(control, 'DM_DEV_SUSPEND', dmCommands.resume, encodeDmRequest(name).bytes);
    const { major, minor } = dmDeviceNumber(made);
    mkdirAll(FOLDER);
    const node = `${FOLDER}/${name}`;
    mknod(node, S_IFBLK | 0o600, major, minor);
    return node;
  } catch (error) {
    remove(control, name);
    throw wrapError(`dm-verity on ${verity.device}`, error);
  }
}

/** Takes a verity device away. Straight-line. */
export function removeVerityDevice(name: string): void {
  using control = openControl();
  remove(control, name);
}
