import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DbusError } from '../../../../agent/src/codec/dbus/dbus-error.ts';
import { parseValueText } from '../../../../agent/src/codec/dbus/value-text.ts';
import type { DbusValue } from '../../../../agent/src/codec/dbus/value.ts';

it.each<[string, string, DbusValue]>([
  [`'text'`, 's', 'text'],
  [`"it's"`, 's', "it's"],
  [`'\\'\\u00e9\\n'`, 's', "'é\n"],
  ['true', 'b', true],
  ['5', 'i', 5],
  ['-0x10', 'i', -16],
  ['010', 'i', 8],
  ['1.5', 'd', 1.5],
  ['uint64 18446744073709551615', 't', 18446744073709551615n],
  ['uint32 7', 'u', 7],
  ['byte 0xff', 'y', 255],
  ['@t 5', 't', 5n],
  [`objectpath '/a'`, 'o', '/a'],
  [`['a', 'b']`, 'as', ['a', 'b']],
  ['@as []', 'as', []],
  ['@ay [1, 2]', 'ay', Uint8Array.of(1, 2)],
  ['[1, 2]', 'ai', [1, 2]],
  ['[uint64 1, 2]', 'at', [1n, 2n]],
  [`('a', uint32 1)`, '(su)', ['a', 1]],
  [`[('a', 1)]`, 'a(si)', [['a', 1]]],
  [`<'x'>`, 'v', { signature: 's', value: 'x' }],
])('%s', (text, signature, value) => {
  expect(parseValueText(text)).toEqual({ signature, value });
});

it.each([
  '',
  'yes',
  '[]',
  '[1',
  "'a",
  '[1, true]',
  '300 300',
  'byte 256',
  'uint32 -1',
  '99999999999',
  '@as 5',
  '@(',
  '()',
  '09',
])('refuses %j', (text) => {
  expect(() => parseValueText(text)).toThrow(DbusError);
});

it('any text gives a value or a DbusError', () => {
  const pieces = fc.constantFrom(
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    '@',
    'as',
    "'a'",
    ',',
    ' ',
    '1',
    '-',
    'uint64',
    'true',
    '\\',
    '"',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((list) => list.join('')),
      ),
      (text) => {
        try {
          parseValueText(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DbusError);
        }
      },
    ),
  );
});
