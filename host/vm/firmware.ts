import { existsSync } from 'node:fs';

/** Where distributions and source builds put QEMU's data. */
const DIRECTORIES = ['/usr/share/qemu', '/usr/local/share/qemu', '/usr/share/qemu-kvm'];

/** The smallest firmware that boots a kernel on q35; undefined leaves the choice to QEMU, which boots a little slower. */
export function findFirmware(): string | undefined {
  return DIRECTORIES.map((directory) => `${directory}/qboot.rom`).find((path) => existsSync(path));
}
