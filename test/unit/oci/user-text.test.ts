import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../agent/src/base/errors.ts';
import { parseId, parseUserText } from '../../../agent/src/oci/user-text.ts';

describe('parseUserText()', () => {
  it.each([
    ['0', 0, undefined],
    ['1', 1, undefined],
    ['1000:100', 1000, 100],
    ['2147483648', 2147483648, undefined],
    ['4294967294', 4294967294, undefined],
    ['root', 'root', undefined],
    ['www-data:adm', 'www-data', 'adm'],
    ['a.b@c$', 'a.b@c$', undefined],
    ['_x:5', '_x', 5],
  ])('PRV-04 %j is user %j and group %j', (text, user, group) => {
    expect(parseUserText(text)).toEqual({ user, group });
  });

  it.each([
    ...['', ':', '1:', ':1', ':', '1:2:3', 'a:b:c'],
    ...['00', '01', '007', '0x0', '0X0', '+0', '-0', '-1', '1e3', '1.0', '1_000', '4294967295', '4294967296'],
    ...[
      '18446744073709551616',
      '9'.repeat(400),
      ' 0',
      '0 ',
      '\t0',
      '0\n',
      'a b',
      'a\n',
      'a\0',
      'a,b',
      'a/b',
      'x'.repeat(300),
    ],
    ...['root:-1', 'root:00', 'root: 0', 'root:4294967295'],
  ])('PRV-04 %j is refused, and no name', (text) => {
    expect(() => parseUserText(text)).toThrow(DomainError);
  });

  it('reads every id as it is written, and no other text as an id', () => {
    fc.assert(
      fc.property(fc.nat(0xfffffffe), (id) => {
        expect(parseId(String(id))).toBe(id);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const id = parseId(text);
        if (id !== undefined) expect(String(id)).toBe(text);
      }),
    );
  });
});
