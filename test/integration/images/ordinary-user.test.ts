/** Whoever has no rights builds what root builds. All formats: test/images/ordinary-user.test.ts. */
import { describe, it } from 'vitest';
import {
  describeUserRow,
  proveOrdinaryUser,
  proveTrace,
  useUserFixture,
  type UserRow,
} from '../../support/images/ordinary-user.ts';

const fixture = useUserFixture();

const rows: readonly UserRow[] = [
  { base: 'dir', kind: 'initrd', output: { compression: 'gzip' } },
  { base: 'tar', kind: 'image', output: { format: 'ext4' } },
  { base: 'busybox', kind: 'image', output: { format: 'disk', filesystem: 'erofs', verity: true } },
];

describe('a user without rights builds the same bytes as root, who mounts nothing and takes no loop device:', () => {
  it('the trace shows a mount, a loop device and a node', () => {
    return proveTrace(fixture());
  });

  it.each(rows.map((row) => [describeUserRow(row), row] as const))('%s', async (name, row) => {
    await proveOrdinaryUser(fixture(), row, name.replace(/\W+/g, '-'));
  });
});
