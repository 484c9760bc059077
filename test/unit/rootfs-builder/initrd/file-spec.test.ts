import { describe, expect, it } from 'vitest';
import { sourceDateEpoch } from '../../../../rootfs-builder/src/initrd/build-initrd.ts';
import { parseFileSpec } from '../../../../rootfs-builder/src/initrd/file-spec.ts';

describe('parseFileSpec()', () => {
  it.each([
    ['a.toml:/etc/a.toml', { source: 'a.toml', path: 'etc/a.toml' }],
    ['a.toml:etc/a.toml', { source: 'a.toml', path: 'etc/a.toml' }],
    ['/bin/sh:/bin/sh:4755', { source: '/bin/sh', path: 'bin/sh', mode: 0o4755 }],
    ['x:/y:600', { source: 'x', path: 'y', mode: 0o600 }],
  ])('reads %s', (text, spec) => expect(parseFileSpec(text)).toEqual(spec));

  it.each(['', 'a', 'a:', ':b', 'a:b:', 'a:b:9', 'a:b:rwx', 'a:b:600:c', 'a:/'])('refuses %j', (text) => {
    expect(() => parseFileSpec(text)).toThrow(/^file ".*": must be|: mode must be 3 or 4 octal digits$/);
  });
});

describe('sourceDateEpoch()', () => {
  it.each([
    [undefined, 0],
    ['', 0],
    ['0', 0],
    ['1700000000', 1_700_000_000],
    ['4294967295', 0xffff_ffff],
  ])('%j is %i', (text, seconds) => expect(sourceDateEpoch({ SOURCE_DATE_EPOCH: text })).toBe(seconds));

  it.each(['-1', '1.5', 'now', '4294967296', '0x10'])('refuses %s', (text) => {
    expect(() => sourceDateEpoch({ SOURCE_DATE_EPOCH: text })).toThrow(`SOURCE_DATE_EPOCH=${text}: not a time`);
  });
});
