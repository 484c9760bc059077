import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StructView } from '../../../../agent/src/abi/structs/struct-view.ts';

/** Room around the number, to see that nothing else is written to. */
const SIZE = 24;
const OFFSET = 8;

describe('setU64', () => {
  it('writes a number as it writes the same BigInt, over whatever was there', () => {
    const number = fc.oneof(
      fc.nat(0xffff_ffff),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -0, -1, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000),
    );
    fc.assert(
      fc.property(number, fc.uint8Array({ minLength: SIZE, maxLength: SIZE }), (value, before) => {
        const [asNumber, asBigInt] = [new StructView(SIZE), new StructView(SIZE)];
        for (const view of [asNumber, asBigInt]) view.bytes.set(before);
        asNumber.setU64(OFFSET, value);
        asBigInt.setU64(OFFSET, BigInt(value));
        expect(asNumber.bytes).toEqual(asBigInt.bytes);
        expect(asNumber.u64(OFFSET)).toBe(BigInt.asUintN(64, BigInt(value)));
      }),
    );
  });

  it.each([1.5, 0.1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d, which is no whole number', (value) => {
    const view = new StructView(SIZE);
    expect(() => view.setU64(OFFSET, value)).toThrow(RangeError);
    expect(view.bytes).toEqual(new Uint8Array(SIZE));
  });
});
