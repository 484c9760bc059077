import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../agent/src/codec/duration.ts';

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const US = { us: 1, ms: 1000, s: 1_000_000 };

describe('parseDuration()', () => {
  it.each([
    ['5s', MS, 5000],
    ['500ms', MS, 500],
    ['1m', MS, 60_000],
    ['2h', MS, 7_200_000],
    ['999999999ms', MS, 999_999_999],
    ['007s', MS, 7000],
    ['0s', MS, 0],
    ['1us', US, 1],
    ['150ms', US, 150_000],
    ['10s', US, 10_000_000],
  ])('reads %s', (text, units, value) => {
    expect(parseDuration(text, units, 9)).toBe(value);
  });

  it.each(['', 's', '5', '5 s', ' 5s', '5s ', '5s\n', '-5s', '+5s', '1.5s', '1e3s', '0x5s', '5S', '5d', '1m5s', '٥s'])(
    'does not take %j',
    (text) => {
      expect(parseDuration(text, MS, 9)).toBeUndefined();
    },
  );

  it('takes only the units and the digits that it is told', () => {
    expect(parseDuration('1us', MS, 9)).toBeUndefined();
    expect(parseDuration('1m', US, 9)).toBeUndefined();
    expect(parseDuration('1constructor', MS, 9)).toBeUndefined();
    expect(parseDuration('99999999s', US, 8)).toBe(99_999_999_000_000);
    expect(parseDuration('099999999s', US, 8)).toBeUndefined();
  });

  it('reads whatever is written with its units', () => {
    const unit = fc.constantFrom<keyof typeof MS>('ms', 's', 'm', 'h');
    fc.assert(
      fc.property(fc.nat(999_999_999), unit, (count, name) => {
        expect(parseDuration(`${count}${name}`, MS, 9)).toBe(count * MS[name]);
      }),
    );
  });
});
