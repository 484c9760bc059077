import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countKeys, hasOnlyKeys } from '../../../../agent/src/oci/from-json/count-keys.ts';

const keysOf = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + keysOf(item), 0);
  return Object.values(value).reduce((sum: number, item) => sum + keysOf(item), Object.keys(value).length);
};

/** Texts in which quotes, colons, backslashes and spaces come often. */
const text = fc.string({ unit: fc.constantFrom('"', ':', '\\', ' ', ',', '{', 'a', '\n'), maxLength: 6 });
const document = fc.letrec((tie) => ({
  value: fc.oneof(text, fc.integer(), fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
})).object;

describe('hasOnlyKeys', () => {
  it('counts the keys of any document, however it is spaced', () => {
    fc.assert(
      fc.property(document, fc.constantFrom('', ' ', '\t'), (value, space) => {
        const json = JSON.stringify(value, undefined, space);
        const keys = keysOf(value);
        expect(countKeys(json, json.includes('\\'))).toBe(keys);
        expect(hasOnlyKeys(json, json.includes('\\'), keys)).toBe(true);
      }),
    );
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"a" :1}',
    '{"a":":","a"\n: 2}',
    '{"a":{"b":1,"b":1}}',
    '{":":1,":":2}',
    '{"\\"":1,"\\"":2}',
  ])('sees the key given twice in %s', (json) => {
    expect(hasOnlyKeys(json, json.includes('\\'), keysOf(JSON.parse(json)))).toBe(false);
  });
});
