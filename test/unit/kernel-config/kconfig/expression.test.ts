import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, parseExpression, symbolsOf } from '../../../../kernel-config/src/kconfig/expression.ts';

const values = new Map(Object.entries({ A: 'y', B: 'n', M: 'm', ARCH: '"x86"' }));
const holds = (text: string): boolean | undefined => {
  const expression = parseExpression(text);
  return expression && evaluate(expression, (symbol) => values.get(symbol));
};

describe('Kconfig expressions', () => {
  test.each([
    ['A', true],
    ['B', false],
    ['UNKNOWN', false],
    ['M', true],
    ['!B && A', true],
    ['A && B || A', true],
    ['B || !(A && M)', false],
    ['A=y', true],
    ['A!=y || B = n', true],
    ['M=m', true],
    ['ARCH = "x86"', true],
    ['y', true],
    ['n', false],
  ])('%s is %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  test.each(['', '&&', 'A &&', '(A', 'A)', 'A B', 'A ? B', '!'])(
    '"%s" is not understood, without an exception',
    (text) => {
      expect(parseExpression(text)).toBeUndefined();
    },
  );

  test('names every symbol once', () => {
    const expression = parseExpression('A && (B || !A) && C != n');
    expect(expression && symbolsOf(expression)).toEqual(['A', 'B', 'C']);
  });

  test('survives any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void holds(text)));
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('A', '(', ')', '!', '&&', '||', '=', '"s"')),
        (tokens) => void holds(tokens.join(' ')),
      ),
    );
  });
});
