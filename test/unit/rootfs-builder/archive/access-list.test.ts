import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessListValue } from '../../../../rootfs-builder/src/archive/access-list.ts';
import { readTar } from '../../../../rootfs-builder/src/archive/read-tar.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { paxHeader, paxRecord, tarArchive } from './tar-support.ts';

/** As the kernel gives it: version 2, then kind, rights and number of each entry. */
const VALUE =
  '02000000' +
  '01000600ffffffff' +
  '0200040001000000' +
  '0200060092100000' +
  '04000400ffffffff' +
  '0800050002000000' +
  '10000600ffffffff' +
  '20000000ffffffff';
const TEXT = 'user::rw-\nuser:1:r--\nuser:4242:rw-\ngroup::r--\ngroup:2:r-x\nmask::rw-\nother::---\n';
const hex = (text: string): string => Buffer.from(accessListValue(text) ?? []).toString('hex');

describe('an access list as text', () => {
  it('becomes what the kernel takes, in its order, with the numbers that star writes behind names', () => {
    expect(hex(TEXT)).toBe(VALUE);
    expect(hex(TEXT.trim().split('\n').reverse().join(','))).toBe(VALUE);
    expect(hex(TEXT.replace('user:1:r--', 'user:daemon:r--:1 #effective:r--'))).toBe(VALUE);
  });

  it('is nothing when it repeats the mode', () => {
    expect(accessListValue('user::rwx\ngroup::r-x\nother::r-x\n')).toBeUndefined();
    expect(accessListValue('')).toBeUndefined();
  });

  it.each([
    ['user:daemon:r--', 'names the user "daemon"; only numbers mean something here'],
    ['group:4294967295:r--', 'names the group "4294967295"'],
    ['mask:1:r--', 'names the mask "1"'],
    ['user::rwz', 'has the entry "user::rwz"'],
    ['owner::rwx', 'has the entry "owner::rwx"'],
    ['__proto__::rwx', 'has the entry'],
    ['user:1:r--:1:2', 'has the entry'],
  ])('%s is refused', (text, message) => {
    expect(() => accessListValue(`user::rw-\n${text}\n`)).toThrow(message);
  });

  it('whatever it is, gives a value or one line', () => {
    const piece = fc.constantFrom('user', 'group', 'mask', ':', ':', '12', 'rwx', 'r--', '\n', ',', '#', ' ', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          expect(((accessListValue(pieces.join('')) ?? new Uint8Array(4)).length - 4) % 8).toBe(0);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
    );
  });
});

describe('a pax header', () => {
  const xattrsOf = (...records: Buffer[]) =>
    readTar(tarArchive(paxHeader(...records), { name: 'f' }))[0]?.header.xattrs;

  it('with access lists gives the attributes that they are', () => {
    const xattrs = xattrsOf(paxRecord('SCHILY.acl.access', TEXT), paxRecord('SCHILY.acl.default', TEXT));
    for (const name of ['system.posix_acl_access', 'system.posix_acl_default'])
      expect(Buffer.from(xattrs?.get(name) ?? []).toString('hex')).toBe(VALUE);
  });

  it('with the attribute too takes that, whose numbers are certain', () => {
    const named = paxRecord('SCHILY.acl.access', 'user::rw-\nuser:daemon:r--\nmask::r--\n');
    const xattr = paxRecord('SCHILY.xattr.system.posix_acl_access', Uint8Array.of(2, 0, 0, 0));
    expect(xattrsOf(named, xattr)?.get('system.posix_acl_access')).toEqual(Uint8Array.of(2, 0, 0, 0));
    expect(() => xattrsOf(named)).toThrow('tar: "f": an access list names the user "daemon"');
  });

  it('has names of attributes with the two characters that GNU tar escapes', () => {
    expect([...(xattrsOf(paxRecord('SCHILY.xattr.user.a%3Db%25c', 'v')) ?? [])][0]?.[0]).toBe('user.a=b%c');
  });
});
