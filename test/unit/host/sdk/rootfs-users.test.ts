import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGroup, parsePasswd, readUserTables, resolveUser } from '../../../../host/sdk/rootfs-users.ts';

const tables = {
  users: parsePasswd(
    'root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:/bin/false\nbroken:x:y:z::\n7:x:8:9::/seven:\n',
  ),
  groups: parseGroup('root:x:0:\nweb:x:33:\nmedia:x:44:web,other\nbroken:x:\n'),
};

describe('resolveUser', () => {
  test.each([
    ['0', { uid: 0, gid: 0, additionalGids: [], home: '/root' }],
    ['', { uid: 0, gid: 0, additionalGids: [], home: '/root' }],
    ['web', { uid: 33, gid: 33, additionalGids: [44], home: '/var/www' }],
    ['33', { uid: 33, gid: 33, additionalGids: [44], home: '/var/www' }],
    ['web:media', { uid: 33, gid: 44, additionalGids: [], home: '/var/www' }],
    ['1234', { uid: 1234, gid: 0, additionalGids: [], home: '/' }],
    ['1234:5678', { uid: 1234, gid: 5678, additionalGids: [], home: '/' }],
    ['7', { uid: 8, gid: 9, additionalGids: [], home: '/seven' }],
  ])('%j', (text, expected) => {
    expect(resolveUser(text, tables)).toEqual(expected);
  });

  test.each(['nobody', 'web:none', 'a:b:c', 'web:', '4294967296', '-1'])('%j is refused', (text) => {
    expect(() => resolveUser(text, tables)).toThrow();
  });
});

test('any text parses to entries with numbers in range', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const { uid, gid } of parsePasswd(text)) {
        expect(uid).toBeLessThanOrEqual(0xffffffff);
        expect(gid).toBeGreaterThanOrEqual(0);
      }
      parseGroup(text);
    }),
  );
});

test('readUserTables() does not follow the root filesystem out of itself', async () => {
  const root = mkdtempSync(join(tmpdir(), 'kihon-test-'));
  try {
    mkdirSync(join(root, 'etc'));
    symlinkSync('/etc/passwd', join(root, 'etc', 'passwd'));
    writeFileSync(join(root, 'etc', 'real-group'), 'staff:x:50:\n');
    symlinkSync('real-group', join(root, 'etc', 'group'));
    const found = await readUserTables(root);
    expect(found.users).toEqual([]);
    expect(found.groups).toEqual([{ name: 'staff', gid: 50, members: [] }]);
    expect(await readUserTables(join(root, 'none'))).toEqual({ users: [], groups: [] });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
