/** Whoever has no rights builds what root builds. All formats: test/images/ordinary-user.test.ts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  describeUserRow,
  prepareUserFixture,
  proveOrdinaryUser,
  proveTrace,
  type UserFixture,
  type UserRow,
} from '../../support/images/ordinary-user.ts';

let fixture: UserFixture | undefined;
const folder = mkdtempSync(join(tmpdir(), 'kihon-user-'));
beforeAll(async () => {
  fixture = await prepareUserFixture(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows: readonly UserRow[] = [
  { base: 'dir', kind: 'initrd', output: { compression: 'gzip' } },
  { base: 'tar', kind: 'image', output: { format: 'ext4' } },
  { base: 'busybox', kind: 'image', output: { format: 'disk', filesystem: 'erofs', verity: true } },
];

describe('a user without rights builds the same bytes as root, who mounts nothing and takes no loop device:', () => {
  it('the trace shows a mount, a loop device and a node', () => {
    expect(fixture).toBeDefined();
    return fixture && proveTrace(fixture);
  });

  it.each(rows.map((row) => [describeUserRow(row), row] as const))('%s', async (name, row) => {
    if (fixture !== undefined) await proveOrdinaryUser(fixture, row, name.replace(/\W+/g, '-'));
  });
});
