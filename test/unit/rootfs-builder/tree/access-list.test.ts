import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAccessList, encodeAccessList, NO_ACCESS_ID } from '../../../../rootfs-builder/src/tree/access-list.ts';

const ENTRIES = [
  { tag: 0x01, permissions: 6, id: NO_ACCESS_ID },
  { tag: 0x02, permissions: 4, id: 4242 },
  { tag: 0x20, permissions: 0, id: NO_ACCESS_ID },
];
/** The version, then kind, rights and number of each entry. */
const VALUE = '02000000' + '01000600ffffffff' + '0200040092100000' + '20000000ffffffff';

describe('an access list in an extended attribute', () => {
  it('has the layout of the kernel', () => {
    expect(Buffer.from(encodeAccessList(ENTRIES)).toString('hex')).toBe(VALUE);
    expect(decodeAccessList(Buffer.from(VALUE, 'hex'))).toEqual(ENTRIES);
  });

  it('comes back as it was', () => {
    const word = fc.nat(0xffff);
    const entry = fc.record({ tag: word, permissions: word, id: fc.nat(0xffff_ffff) });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(decodeAccessList(encodeAccessList(entries))).toEqual(entries);
      }),
    );
  });

  it('that can be read is written the same again, whatever the bytes', () => {
    const framed = fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.from([2, 0, 0, 0, ...rest]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 44 }), framed), (bytes) => {
        const entries = decodeAccessList(bytes);
        if (entries !== undefined) expect(encodeAccessList(entries)).toEqual(bytes);
      }),
    );
  });

  it.each(['', '02', '02000000ff', '01000000', '0200000001000600ffffff', '00000002'])('is not %s', (hex) => {
    expect(decodeAccessList(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});
