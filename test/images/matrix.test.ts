import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { products } from '../support/repository.ts';
import { describeRow, proveRow, type MatrixRow } from '../support/vm/image-matrix.ts';

/** Every base, every format, every machine, and both forms of a kernel; pairs of them where one may disturb another. */
const rows: readonly MatrixRow[] = [
  { base: 'none', format: 'initrd', compression: 'gzip', machine: 'q35', kernel: 'vmlinux' },
  { base: 'none', format: 'initrd', compression: 'zstd', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'busybox', format: 'initrd', compression: 'none', machine: 'q35', kernel: 'vmlinuz' },
  { base: 'dir', format: 'initrd', machine: 'microvm', kernel: 'vmlinuz' },
  { base: 'none', format: 'disk', filesystem: 'ext4', machine: 'q35', kernel: 'vmlinux' },
  { base: 'busybox', format: 'disk', filesystem: 'ext4', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'tar', format: 'disk', filesystem: 'ext4', attachment: 'nvdimm', machine: 'q35', kernel: 'vmlinux' },
  { base: 'oci', format: 'disk', filesystem: 'ext4', isMeasured: true, machine: 'q35', kernel: 'vmlinux' },
  { base: 'busybox', format: 'disk', filesystem: 'ext4', isMeasured: true, machine: 'microvm', kernel: 'vmlinux' },
  { base: 'none', format: 'disk', filesystem: 'erofs', machine: 'microvm', kernel: 'vmlinuz' },
  { base: 'dir', format: 'disk', filesystem: 'erofs', machine: 'q35', kernel: 'vmlinuz' },
  { base: 'oci', format: 'disk', filesystem: 'erofs', attachment: 'nvdimm', machine: 'q35', kernel: 'vmlinux' },
  { base: 'tar', format: 'disk', filesystem: 'erofs', isMeasured: true, machine: 'q35', kernel: 'vmlinux' },
  {
    base: 'busybox',
    format: 'disk',
    filesystem: 'erofs',
    isMeasured: true,
    attachment: 'nvdimm',
    machine: 'q35',
    kernel: 'vmlinux',
  },
  // Takes a mirror of Debian, the one of this host's apt.
  { base: 'debian', hasSystemd: true, format: 'disk', filesystem: 'erofs', machine: 'q35', kernel: 'vmlinux' },
  { base: 'none', format: 'ext4', machine: 'q35', kernel: 'vmlinux' },
  { base: 'busybox', format: 'erofs', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'none', format: 'ext4', isMeasured: true, machine: 'q35', kernel: 'vmlinux' },
  { base: 'none', format: 'erofs', isMeasured: true, machine: 'microvm', kernel: 'vmlinux' },
];

describe('a guest boots and runs a container from', { timeout: 300_000 }, () => {
  for (const row of rows) {
    const kernel = join(products, row.kernel ?? 'vmlinux');
    it(describeRow(row), () => {
      if (!existsSync(kernel)) throw new Error(`no ${kernel}: make kernel`);
      return proveRow(row, kernel);
    });
  }
});
