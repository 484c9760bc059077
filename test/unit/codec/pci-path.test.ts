import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPciPath, parsePciPath } from '../../../agent/src/codec/pci-path.ts';

describe('parsePciPath()', () => {
  it.each([
    ['02', '02.0'],
    ['2', '02.0'],
    ['02/03', '02.0/03.0'],
    ['06/00/01', '06.0/00.0/01.0'],
    ['1F.7/0a.1', '1f.7/0a.1'],
    ['20/00/02', '20/00.0/02.0'],
    ['ff/00/00', 'ff/00.0/00.0'],
  ])('reads %s as %s', (text, canonical) => {
    expect(formatPciPath(parsePciPath(text))).toBe(canonical);
  });

  it.each([
    '',
    '/',
    '02/',
    '/02',
    '20',
    '20/00',
    '02.8',
    '02.',
    '0x2',
    '02/zz',
    '002',
    '-1',
    '02/03/..',
    '20.0/00/02',
    'a'.repeat(1000),
  ])('refuses %j', (text) => {
    expect(() => parsePciPath(text)).toThrow('is not a PCI path');
  });

  it('reads back what it prints', () => {
    const slot = fc.record({ slot: fc.integer({ min: 0, max: 31 }), function: fc.integer({ min: 0, max: 7 }) });
    fc.assert(
      fc.property(fc.array(slot, { minLength: 1, maxLength: 6 }), (slots) => {
        expect(parsePciPath(formatPciPath({ rootBus: 0, slots }))).toEqual({ rootBus: 0, slots });
      }),
    );
  });
});
