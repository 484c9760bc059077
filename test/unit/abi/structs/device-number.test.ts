import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeDeviceNumber } from '../../../../agent/src/abi/structs/device-number.ts';

it.each([
  ['/dev/null', 1, 3, 0x103],
  ['/dev/tty', 5, 0, 0x500],
  ['the last minor of one byte', 8, 255, 0x8ff],
  ['a minor beyond one byte', 8, 256, 0x100800],
  ['the largest minor', 0, 0xfffff, 0xfff000ff],
  ['the largest of all', 0xfff, 0xfffff, 0xffffffff],
])('encodeDeviceNumber() of %s', (_, major, minor, encoded) => {
  expect(encodeDeviceNumber(major, minor)).toBe(encoded);
});

it('encodeDeviceNumber() gives back both numbers by the rule of new_decode_dev() (linux/kdev_t.h)', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xfff }), fc.nat({ max: 0xfffff }), (major, minor) => {
      const encoded = encodeDeviceNumber(major, minor);
      expect((encoded & 0xfff00) >>> 8).toBe(major);
      expect((encoded & 0xff) | ((encoded >>> 12) & 0xfff00)).toBe(minor);
    }),
  );
});
