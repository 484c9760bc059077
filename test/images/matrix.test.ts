import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../host/vm/machine.ts';
import { findInPath } from '../../rootfs-builder/src/process/find-in-path.ts';
import { products, repository } from '../support/repository.ts';
import { MATRIX_BASES } from '../support/vm/image-matrix-bases.ts';
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
  { base: 'ubuntu', format: 'initrd', machine: 'q35', kernel: 'vmlinux' },
  { base: 'ubuntu', format: 'disk', filesystem: 'ext4', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'alpine', format: 'initrd', compression: 'zstd', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'alpine', format: 'disk', filesystem: 'erofs', isMeasured: true, machine: 'q35', kernel: 'vmlinux' },
  // Takes a mirror of Debian, the one of this host's apt.
  { base: 'debian', hasSystemd: true, format: 'disk', filesystem: 'erofs', machine: 'q35', kernel: 'vmlinux' },
  { base: 'none', format: 'ext4', machine: 'q35', kernel: 'vmlinux' },
  { base: 'busybox', format: 'erofs', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'none', format: 'ext4', isMeasured: true, machine: 'q35', kernel: 'vmlinux' },
  { base: 'none', format: 'erofs', isMeasured: true, machine: 'microvm', kernel: 'vmlinux' },
  { base: 'none', format: 'initrd', machine: 'virt', kernel: 'vmlinux' },
  { base: 'busybox', format: 'initrd', compression: 'zstd', machine: 'virt', kernel: 'vmlinuz' },
  { base: 'busybox', format: 'disk', filesystem: 'ext4', machine: 'virt', kernel: 'vmlinux' },
  { base: 'none', format: 'disk', filesystem: 'erofs', isMeasured: true, machine: 'virt', kernel: 'vmlinux' },
  { base: 'none', format: 'erofs', machine: 'virt', kernel: 'vmlinux' },
  // What only the kernel with Kata's features reads.
  { base: 'busybox', format: 'xfs', machine: 'q35', kernel: 'vmlinux-kata' },
  { base: 'none', format: 'disk', filesystem: 'xfs', machine: 'microvm', kernel: 'vmlinuz-kata' },
  { base: 'none', format: 'disk', filesystem: 'xfs', attachment: 'nvdimm', machine: 'q35', kernel: 'vmlinux-kata' },
  { base: 'busybox', format: 'erofs', compression: 'lz4', machine: 'microvm', kernel: 'vmlinux-kata' },
  {
    base: 'busybox',
    format: 'disk',
    filesystem: 'erofs',
    compression: 'lz4',
    isMeasured: true,
    machine: 'q35',
    kernel: 'vmlinux-kata',
  },
];

it('the matrix has every base, format, machine and form of a kernel', () => {
  const values = (key: keyof MatrixRow): Set<unknown> => new Set(rows.map((row) => row[key]));
  expect([...values('base')].sort()).toEqual([...MATRIX_BASES].sort());
  expect(values('machine')).toEqual(new Set(MACHINES));
  for (const machine of MACHINES) {
    const own = rows.filter((row) => row.machine === machine);
    for (const form of ['initrd', 'ext4', 'erofs'] as const)
      expect([machine, form, own.some(({ format, filesystem }) => format === form || filesystem === form)]).toEqual([
        machine,
        form,
        true,
      ]);
    expect([machine, own.some(({ isMeasured }) => isMeasured)]).toEqual([machine, true]);
    expect([machine, new Set(own.map(({ kernel }) => kernel?.replace('-kata', '')))]).toEqual([
      machine,
      new Set(['vmlinux', 'vmlinuz']),
    ]);
  }
  expect(values('compression')).toEqual(new Set([undefined, 'gzip', 'zstd', 'none', 'lz4']));
  expect(rows.some(({ filesystem }) => filesystem === 'xfs')).toBe(true);
});

/** Where the kernel of a row is: `vmlinux` of aarch64 is its `Image`. */
const kernelOf = ({ machine, kernel = 'vmlinux' }: MatrixRow): string =>
  join(machine === 'virt' ? join(repository, 'build/aarch64') : products, kernel);

/** What a row needs that this machine lacks, in one line. */
function missing({ format, filesystem }: MatrixRow): string | undefined {
  if (format !== 'xfs' && filesystem !== 'xfs') return undefined;
  return findInPath('mkfs.xfs') === undefined ? 'needs mkfs.xfs (apt-get install xfsprogs)' : undefined;
}

describe('a guest boots and runs a container from', { timeout: 300_000 }, () => {
  for (const row of rows) {
    const kernel = kernelOf(row);
    const lack = missing(row);
    if (lack !== undefined) {
      it.skip(`${describeRow(row)}: ${lack}`, () => undefined);
      continue;
    }
    const options = [row.machine === 'virt' ? ' ARCH=aarch64' : '', kernel.endsWith('-kata') ? ' CONFIG=kata' : ''];
    // Packages of a mirror take minutes on a busy machine.
    it(describeRow(row), { timeout: row.base === 'debian' ? 1_200_000 : 300_000 }, () => {
      if (!existsSync(kernel)) throw new Error(`no ${kernel}: make kernel${options.join('')}`);
      return proveRow(row, kernel);
    });
  }
});
