import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { countKeys } from '../../../../agent/src/oci/from-json/count-keys.ts';
import { parseExactJson } from '../../../../agent/src/oci/from-json/exact-json.ts';

const parse = (text: string): unknown => parseExactJson(text, 'test.json');

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof DomainError) return error.message;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

/** Values whose numbers JSON.parse reads exactly. */
const value = fc.jsonValue({ maxDepth: 5 }).filter((item) => !/[0-9]{16}/.test(JSON.stringify(item)));

describe('parseExactJson()', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (item, indent) => {
        const text = JSON.stringify(item, null, indent);
        expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('accepts a text exactly when JSON.parse does, but for duplicate keys and depth', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b\\n"',
      '1',
      '-0',
      '01',
      '1.',
      'null',
      ' ',
      '"',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
        const text = tokens.join('');
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (isJson) parse(text);
        else expect(refusal(text)).toContain('column');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['9007199254740991', 9007199254740991],
    ['1e3', 1000],
    ['-0', -0],
  ])('reads %s exactly', (text, number) => expect(parse(text)).toBe(number));

  it.each([
    ['{"a":{"b":1,\n"b":2}}', 'a.b: line 2, column 1: the key "b" is given twice'],
    ['{"a":[{"x.y":1,"x.y":1}]}', 'a[0]["x.y"]'],
    ['{"__proto__":1,"__proto__":1}', '__proto__'],
    ['{"a":\n  [1,,2]}', 'a[1]: line 2, column 6: no JSON value'],
    ['{"a" 1}', 'a: line 1, column 6: ":" is expected'],
    ['{"a":1', 'test.json: line 1, column 7: "," or "}" is expected'],
    ['["\u0001"]', '[0]: line 1, column 2: a string with a bad escape or a control character'],
    ['["\\x"]', 'bad escape'],
    ['"abc', 'a string without end'],
    ['', 'the document ends too early'],
    ['1 2', 'text after the end'],
    ['\ufeff{}', 'no JSON value'],
    ['['.repeat(100_000), 'nested deeper than 64 levels'],
    ['{"a":'.repeat(100_000), 'nested deeper than 64 levels'],
  ])('refuses %.30s and says where', (text, message) => expect(refusal(text)).toContain(message));

  it('keeps a number of a million digits from costing time', () => {
    expect(parse('1'.repeat(1_000_000))).toBe(Infinity);
  });
});

describe('countKeys()', () => {
  it('counts every key and nothing else, whatever the strings hold', () => {
    const awkward = fc.oneof(fc.constantFrom('":', '\\":', '\\', '\\\\', ':', ' :x', '"', '\n'), fc.string());
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        awkward,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(awkward, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    const keysOf = (item: unknown): number =>
      typeof item !== 'object' || item === null
        ? 0
        : Object.values(item).reduce(
            (sum: number, member) => sum + keysOf(member),
            Array.isArray(item) ? 0 : Object.keys(item).length,
          );
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 2), (item, indent) => {
        expect(countKeys(JSON.stringify(item, null, indent), true)).toBe(keysOf(item));
      }),
    );
    expect(countKeys('{"a" : 1, "b"\n\t:2, "c":":"}', false)).toBe(3);
  });
});
