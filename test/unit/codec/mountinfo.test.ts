import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import {
  formatMountInfoLine,
  parseMountInfo,
  parseMountInfoLine,
  type MountInfo,
} from '../../../agent/src/codec/mountinfo.ts';
import { escapeOctal, unescapeOctal } from '../../../agent/src/codec/octal-escape.ts';

describe('octal escapes', () => {
  test.each([
    ['/plain', '/plain'],
    ['/a b', '/a\\040b'],
    ['/a\tb\nc\\d#e', '/a\\011b\\012c\\134d\\043e'],
    ['/\\040', '/\\134040'],
  ])('%j is written %j', (text, escaped) => {
    expect(escapeOctal(text)).toBe(escaped);
    expect(unescapeOctal(escaped)).toBe(text);
  });

  test.each(['\\', 'a\\', '\\0', '\\04', '\\089', '\\x20', '\\400', '\\000', '\\377'])(
    '%j is no escape and stays',
    (text) => {
      expect(unescapeOctal(text)).toBe(text);
    },
  );

  test('any text round-trips', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(unescapeOctal(escapeOctal(text))).toBe(text);
      }),
    );
  });
});

describe('parseMountInfo()', () => {
  test('reads the example of the manual page', () => {
    expect(
      parseMountInfoLine('36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue'),
    ).toEqual({
      id: 36,
      parentId: 35,
      major: 98,
      minor: 0,
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: 'rw,noatime',
      optional: ['master:1', 'shared:2'],
      fsType: 'ext3',
      source: '/dev/root',
      superOptions: 'rw,errors=continue',
    });
  });

  test('reads a row with an empty source (MNT-16)', () => {
    const row = parseMountInfoLine('61 60 0:52 / /run/x rw - tmpfs  rw,size=4k');
    expect(row?.source).toBe('');
    expect(row?.superOptions).toBe('rw,size=4k');
  });

  test.each([
    ['a name that looks like the separator', '1 2 0:1 / /a\\040-\\040b rw - tmpfs x rw', '/a - b'],
    ['a mount point that is a dash', '1 2 0:1 / - rw - tmpfs x rw', '-'],
    ['super options with spaces', '1 2 0:1 / /a rw - fuse.x x rw,note=a b', '/a'],
    ['no super options', '1 2 0:1 / /a rw - tmpfs x', '/a'],
    ['no source at all', '1 2 0:1 / /a rw - tmpfs', '/a'],
  ])('reads %s', (_what, line, mountPoint) => {
    expect(parseMountInfoLine(line)?.mountPoint).toBe(mountPoint);
  });

  test.each([
    '',
    '1',
    '1 2 0:1 / /a rw tmpfs x rw',
    'x 2 0:1 / /a rw - tmpfs x rw',
    '1 2 01 / /a rw - tmpfs x rw',
    '1 2 0: / /a rw - t x rw',
  ])('leaves out %j and keeps the other rows', (line) => {
    const good = '1 2 0:1 / /a rw - tmpfs x rw';
    expect(parseMountInfo(`${good}\n${line}\n${good}\n`).length).toBe(2);
  });

  test('two names that differ in a byte that is not UTF-8 stay different (ENG-04)', () => {
    const table = (byte: number): Uint8Array =>
      Uint8Array.from([...encodeBytes('1 2 0:1 / /a'), byte, ...encodeBytes(' rw - tmpfs x rw\n')]);
    const [one, other] = [parseMountInfo(table(0xff)), parseMountInfo(table(0xfe))];
    expect(one[0]?.mountPoint).not.toBe(other[0]?.mountPoint);
    expect(encodeBytes(one[0]?.mountPoint ?? '')).toEqual(Uint8Array.from([0x2f, 0x61, 0xff]));
  });

  test('rows round-trip, whatever the names', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'));
    const number = fc.nat({ max: 0x7fff_ffff });
    const row: fc.Arbitrary<MountInfo> = fc.record({
      id: number,
      parentId: number,
      major: number,
      minor: number,
      root: name.map((text) => `/${text}`),
      mountPoint: name.map((text) => `/${text}`),
      options: fc.constantFrom('rw', 'ro,nosuid,nodev'),
      optional: fc.array(fc.constantFrom('shared:1', 'master:22', 'unbindable'), { maxLength: 3 }),
      fsType: fc.constantFrom('tmpfs', 'fuse.a-b', 'ext4'),
      source: fc.oneof(fc.constant(''), name),
      superOptions: fc.oneof(fc.constant('rw'), name),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        const table = rows.map((one) => `${formatMountInfoLine(one)}\n`).join('');
        expect(parseMountInfo(table)).toEqual(rows);
        expect(parseMountInfo(encodeBytes(table.toWellFormed()))).toEqual(parseMountInfo(table.toWellFormed()));
      }),
    );
  });

  test('any bytes are read without throwing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseMountInfo(bytes)));
  });

  test('10,000 mounts are read', () => {
    const table = Array.from(
      { length: 10_000 },
      (_, index) => `${index} 1 0:${index} / /m${index} rw - tmpfs x rw\n`,
    ).join('');
    expect(parseMountInfo(table).length).toBe(10_000);
  });
});
