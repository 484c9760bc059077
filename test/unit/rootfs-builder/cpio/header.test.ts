import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader, HEADER_BYTES, paddingAfter } from '../../../../rootfs-builder/src/cpio/header.ts';
import type { CpioHeader } from '../../../../rootfs-builder/src/cpio/header.ts';

const consoleNode: CpioHeader = {
  name: 'dev/console',
  ino: 3,
  mode: 0o020600,
  uid: 0,
  gid: 5,
  nlink: 1,
  mtime: 0,
  sizeBytes: 0,
  rdevMajor: 5,
  rdevMinor: 1,
};

describe('encodeHeader()', () => {
  it('writes a device node as the format says', () => {
    const golden = [
      '070701', // magic
      '00000003', // inode
      '00002180', // mode: character device, 0600
      '00000000', // user
      '00000005', // group
      '00000001', // links
      '00000000', // time
      '00000000', // size
      '00000000', // device the file is on
      '00000000',
      '00000005', // device the node stands for
      '00000001',
      '0000000c', // name with its NUL
      '00000000', // checksum, unused
      'dev/console\0',
      '\0\0', // to a multiple of four
    ].join('');
    expect(Buffer.from(encodeHeader(consoleNode)).toString('latin1')).toBe(golden);
  });

  it('gives headers of a multiple of four bytes that decode to the same values', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const arbitrary = fc.record({
      name: fc.string({ minLength: 1, maxLength: 300 }).filter((name) => !name.includes('\0')),
      ino: u32,
      mode: u32,
      uid: u32,
      gid: u32,
      nlink: u32,
      mtime: u32,
      sizeBytes: u32,
      rdevMajor: u32,
      rdevMinor: u32,
    });
    fc.assert(
      fc.property(arbitrary, (header) => {
        const bytes = encodeHeader(header);
        expect(bytes.length % 4).toBe(0);
        const { nameBytes, device, ...rest } = decodeHeader(bytes, 0);
        const name = Buffer.from(bytes.subarray(HEADER_BYTES, HEADER_BYTES + nameBytes - 1)).toString('utf8');
        expect({ name, ...rest }).toEqual(header);
        expect(device).toBe('0:0');
      }),
    );
  });

  it.each([
    ['a size over 4 GiB', { sizeBytes: 2 ** 32 }, /"dev\/console": size 4294967296 does not fit/],
    ['a negative time', { mtime: -1 }, /mtime -1 does not fit/],
    ['an empty name', { name: '' }, /1 to 4095 bytes/],
    ['a name with NUL', { name: 'a\0b' }, /no NUL/],
    ['a name the kernel would drop', { name: 'a/'.repeat(2048) }, /1 to 4095 bytes/],
  ])('refuses %s', (_, change, message) => {
    expect(() => encodeHeader({ ...consoleNode, ...change })).toThrow(message);
  });
});

describe('paddingAfter()', () => {
  it.each([
    [0, 0],
    [1, 3],
    [4, 0],
    [0xffff_fffe, 2],
  ])('after %i bytes is %i', (length, padding) => expect(paddingAfter(length)).toBe(padding));
});
