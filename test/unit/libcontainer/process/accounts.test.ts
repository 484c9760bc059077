import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { groupIdOf, groupsOf, passwordEntryOf } from '../../../../agent/src/libcontainer/process/accounts.ts';

const passwd = `root:x:0:0:root:/root:/bin/sh
# comment
:x:0:0::/:
+::::::
user:x:1000:1001:User:/home/user:/bin/sh
user:x:0:0:second entry:/:
high:x:4294967294:4294967294::/:
`;

const group = `root:x:0:
adm:x:4:user,other
games:x:20:other,user
twice:x:4:user
username:x:77:username
user:x:1001:
broken:x:-1:user
huge:x:4294967296:user
`;

describe('passwordEntryOf()', () => {
  it.each([
    ['root', { uid: 0, gid: 0 }],
    ['user', { uid: 1000, gid: 1001 }],
    ['high', { uid: 4294967294, gid: 4294967294 }],
    ['nobody', undefined],
    ['use', undefined],
    ['second entry', undefined],
  ])('takes the first entry of %j', (name, entry) => {
    expect(passwordEntryOf(passwd, name)).toEqual(entry);
  });

  it.each([
    'u:x:-1:0',
    'u:x::',
    'u:x:00:0',
    'u:x:4294967295:0',
    'u:x:4294967296:0',
    'u:x:0x0:0',
    'u:x: 0:0',
    'u:x:1:1e3',
    'u:',
  ])('PRV-04 refuses the ids of %j instead of reading them as 0 or taking the next entry', (line) => {
    expect(() => passwordEntryOf(`${line}\nu:x:0:0::/:\n`, 'u')).toThrow(DomainError);
  });

  it('needs no line break at the end, and stands any text', () => {
    expect(passwordEntryOf('u:x:5:6', 'u')).toEqual({ uid: 5, gid: 6 });
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (text, name) => {
        try {
          passwordEntryOf(text, name);
          groupIdOf(text, name);
          groupsOf(text, name);
        } catch (error) {
          expect(error).toBeInstanceOf(DomainError);
        }
      }),
    );
  });
});

describe('groups', () => {
  it('are found by name', () => {
    expect(groupIdOf(group, 'games')).toBe(20);
    expect(groupIdOf(group, 'game')).toBeUndefined();
    expect(() => groupIdOf(group, 'broken')).toThrow(DomainError);
  });

  it('are those that list the user, ascending and once; ids that are none are passed over', () => {
    expect(groupsOf(group, 'user')).toEqual([4, 20]);
    expect(groupsOf(group, 'username')).toEqual([77]);
    expect(groupsOf(group, 'root')).toEqual([]);
  });

  it('are found in a mebibyte of lines within a moment', () => {
    const text = 'g:x:5:user\n'.repeat(95_000);
    expect(groupsOf(text, 'user')).toEqual([5]);
  });
});
