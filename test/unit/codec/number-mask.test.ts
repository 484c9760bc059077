import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberListError, numberListMask } from '../../../agent/src/codec/number-mask.ts';

function numbersOf(mask: Uint8Array): number[] {
  return [...mask].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => ((byte >> bit) & 1) === 1).map((bit) => index * 8 + bit),
  );
}

describe('numberListMask()', () => {
  it.each([
    ['0', [0], 8],
    ['0-3,7', [0, 1, 2, 3, 7], 8],
    ['63', [63], 8],
    ['64', [64], 16],
    ['5,5,4-5', [4, 5], 8],
  ])('%s is %j in %i bytes', (text, numbers, size) => {
    const mask = numberListMask(text, 1024);
    expect(numbersOf(mask)).toEqual(numbers);
    expect(mask.length).toBe(size);
  });

  it.each([
    '',
    ',',
    '1,',
    '1-',
    '-1',
    '3-1',
    '1024',
    '0-999999999',
    '9999999999',
    ' 1',
    '1 ',
    '0x1',
    '1.5',
    '+1',
    'all',
  ])('refuses %j', (text) => {
    expect(() => numberListMask(text, 1024)).toThrow(NumberListError);
  });

  it('holds exactly the numbers of the list', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1023), { minLength: 1 }), (numbers) => {
        const sorted = [...numbers].sort((a, b) => a - b);
        expect(numbersOf(numberListMask(numbers.join(','), 1024))).toEqual(sorted);
      }),
    );
  });

  it('gives a mask or a NumberListError for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', '1', '9', '-', ',', ' ', 'x') }), (text) => {
        try {
          expect(numberListMask(text, 4096).length).toBeLessThanOrEqual(512);
        } catch (error) {
          expect(error).toBeInstanceOf(NumberListError);
        }
      }),
    );
  });
});
