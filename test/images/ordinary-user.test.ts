/** Whoever has no rights builds what root builds, in every format. */
import { describe, expect, it } from 'vitest';
import { FORMATS_OF_KIND } from '../../rootfs-builder/src/build/output-plan.ts';
import { findInPath } from '../../rootfs-builder/src/process/find-in-path.ts';
import { describeUserRow, proveOrdinaryUser, useUserFixture, type UserRow } from '../support/images/ordinary-user.ts';

const fixture = useUserFixture();

const rows: readonly UserRow[] = [
  { base: 'none', kind: 'initrd', output: { compression: 'none' } },
  { base: 'tar', kind: 'initrd', output: { compression: 'gzip' } },
  { base: 'tar', kind: 'initrd', output: { compression: 'zstd' } },
  { base: 'busybox', kind: 'rootfs', output: { format: 'tar', compression: 'gzip' } },
  { base: 'tar', kind: 'rootfs', output: { format: 'oci' } },
  { base: 'dir', kind: 'rootfs', output: { format: 'oci-archive', compression: 'zstd' } },
  { base: 'dir', kind: 'image', output: { format: 'ext4' } },
  { base: 'tar', kind: 'image', output: { format: 'ext4', verity: true } },
  { base: 'tar', kind: 'image', output: { format: 'erofs' } },
  { base: 'dir', kind: 'image', output: { format: 'erofs', dax: false, verity: true } },
  { base: 'tar', kind: 'image', output: { format: 'erofs', compression: 'lz4' } },
  { base: 'plain-tar', kind: 'image', output: { format: 'xfs' } },
  { base: 'tar', kind: 'image', output: { format: 'disk', filesystem: 'ext4', dax: false } },
  { base: 'busybox', kind: 'image', output: { format: 'disk', filesystem: 'ext4', dax: true } },
  { base: 'tar', kind: 'image', output: { format: 'disk', filesystem: 'ext4', verity: true } },
  { base: 'tar', kind: 'image', output: { format: 'disk', filesystem: 'erofs', dax: true } },
  { base: 'none', kind: 'image', output: { format: 'disk', filesystem: 'erofs', dax: false, verity: true } },
  { base: 'plain-tar', kind: 'image', output: { format: 'disk', filesystem: 'xfs' } },
  { base: 'tar', kind: 'image', output: { format: 'extension', verity: true } },
];

it('the rows have every kind and format but a folder, whose owners and nodes are those of who makes it', () => {
  for (const kind of ['image', 'initrd', 'rootfs'] as const) {
    const formats = rows.filter((row) => row.kind === kind).map(({ output }) => output.format ?? kind);
    expect(new Set(formats)).toEqual(new Set(FORMATS_OF_KIND[kind].filter((format) => format !== 'dir')));
  }
});

describe('a user without rights builds the same bytes as root:', () => {
  for (const row of rows) {
    const name = describeUserRow(row);
    const isXfs = row.output.format === 'xfs' || row.output.filesystem === 'xfs';
    if (isXfs && findInPath('mkfs.xfs') === undefined) {
      it.skip(`${name}: needs mkfs.xfs (apt-get install xfsprogs)`, () => undefined);
      continue;
    }
    it(name, async () => {
      await proveOrdinaryUser(fixture(), row, name.replace(/\W+/g, '-'));
    });
  }
});
