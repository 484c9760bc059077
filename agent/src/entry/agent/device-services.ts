/** Devices that the host attaches; read when the first container with one comes. */
export { prepareDevices } from '../../sandbox/devices/prepare-devices.ts';
export { waitForBlockNode } from '../../guest/device/wait-for-block-node.ts';
export { waitForScsiDisk } from '../../guest/device/wait-for-scsi-disk.ts';
