import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountsBelow, prepareSharedDirectory, removeSharedDirectory } from '../../../../host/vm/shared-directory.ts';

let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'kihon-test-'));
  mkdirSync(join(base, 'rootfs'));
  writeFileSync(join(base, 'file'), 'content');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('makes a folder for a folder and a file for a file, and removes just those', () => {
  const share = join(base, 'share');
  prepareSharedDirectory(share, [
    { source: join(base, 'rootfs'), target: 'c1/rootfs', readOnly: false },
    { source: join(base, 'file'), target: 'c1-x-file', readOnly: true },
  ]);
  expect(existsSync(join(share, 'c1', 'rootfs'))).toBe(true);
  expect(existsSync(join(share, 'c1-x-file'))).toBe(true);
  removeSharedDirectory(share);
  expect(existsSync(share)).toBe(false);
  removeSharedDirectory(share);
});

test('never removes a file with anything in it', () => {
  const share = join(base, 'share');
  prepareSharedDirectory(share, [{ source: join(base, 'rootfs'), target: 'c1/rootfs', readOnly: false }]);
  writeFileSync(join(share, 'c1', 'rootfs', 'precious'), 'data');
  expect(() => removeSharedDirectory(share)).toThrow(/not an empty placeholder/);
  expect(existsSync(join(share, 'c1', 'rootfs', 'precious'))).toBe(true);
});

test('refuses a source that does not exist', () => {
  const bind = { source: join(base, 'none'), target: 'x', readOnly: false };
  expect(() => prepareSharedDirectory(join(base, 'share'), [bind])).toThrow(/none does not exist/);
});

test('mountsBelow() finds mounts at and below a folder and knows the escapes of the table', () => {
  const table = [
    '21 1 0:20 / / rw - ext4 /dev/vda rw',
    '22 21 0:21 / /run/a\\040b rw - tmpfs tmpfs rw',
    '23 21 0:22 / /run/a\\040b/x rw - tmpfs tmpfs rw',
    '24 21 0:23 / /run/a\\040bc rw - tmpfs tmpfs rw',
  ].join('\n');
  expect(mountsBelow(table, '/run/a b')).toEqual(['/run/a b', '/run/a b/x']);
});
