import { describe, expect, test } from 'vitest';
import { FragmentError, parseFragment } from '../../../../kernel-config/src/fragment/parse-fragment.ts';

describe('parseFragment()', () => {
  test('reads values, unset symbols and comments', () => {
    const text = [
      '# Why this exists.',
      '',
      'CONFIG_A=y',
      '# CONFIG_B is not set',
      'CONFIG_C="a b"',
      '  CONFIG_D=0x10  ',
      'CONFIG_E=-3',
    ].join('\n');
    expect(parseFragment('x', text).map(({ name, value, line }) => [name, value, line])).toEqual([
      ['A', 'y', 3],
      ['B', 'n', 4],
      ['C', '"a b"', 5],
      ['D', '0x10', 6],
      ['E', '-3', 7],
    ]);
  });

  test.each([
    ['a module', 'CONFIG_A=m', 'modules are off'],
    ['a bare word', 'CONFIG_A=yes', 'neither y, n'],
    ['an open string', 'CONFIG_A="x', 'neither y, n'],
    ['a symbol without prefix', 'VSOCKETS=y', 'not an assignment'],
    ['a mistyped "is not set"', '# CONFIG_A is not sett', 'not an assignment'],
    ['an unset symbol with a value', '# CONFIG_A=y', 'not an assignment'],
    ['a symbol named twice', 'CONFIG_A=y\nCONFIG_A=y', 'already set'],
  ])('refuses %s and names fragment and line', (_name, text, reason) => {
    const line = text.split('\n').length;
    expect(() => parseFragment('net', text)).toThrow(FragmentError);
    expect(() => parseFragment('net', text)).toThrow(`fragment net, line ${line}: `);
    expect(() => parseFragment('net', text)).toThrow(reason);
  });
});
