import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  loadAllowedMissing,
  parseAllowedMissing,
  parseSeries,
  whyAllowedMissing,
} from '../../../../kernel-config/src/fragment/allowed-missing.ts';
import { FragmentError } from '../../../../kernel-config/src/fragment/parse-fragment.ts';

const RULES = parseAllowedMissing(`
# a comment
NEW before 6.17: not there yet
OLD since 6.1: taken out
NARROW on s390x,ppc64le: no such hardware
RANGE since 6.1 before 6.10 on x86_64: for a while
ALWAYS: renamed: see NEW
`);

describe('the list of requests that may be missing', () => {
  test.each([
    ['NEW', '6.12.117', 'x86_64', 'not there yet'],
    ['NEW', '6.17.0', 'x86_64', undefined],
    ['NEW', '7.2.12', 'x86_64', undefined],
    ['OLD', '6.0.1', 'x86_64', undefined],
    ['OLD', '6.1', 'x86_64', 'taken out'],
    ['NARROW', '6.12.1', 's390x', 'no such hardware'],
    ['NARROW', '6.12.1', 'aarch64', undefined],
    ['RANGE', '6.9.9', 'x86_64', 'for a while'],
    ['RANGE', '6.10.0', 'x86_64', undefined],
    ['RANGE', '6.9.9', 'aarch64', undefined],
    ['ALWAYS', '7.2.0-rc1', 'riscv64', 'renamed: see NEW'],
    ['OTHER', '6.12.1', 'x86_64', undefined],
  ])('%s in %s on %s', (symbol, version, architecture, reason) => {
    expect(whyAllowedMissing(RULES, symbol, version, architecture)).toBe(reason);
  });

  test.each([
    ['NAME', 'line 1: no reason after a colon'],
    ['NAME:  ', 'no reason'],
    ['NA-ME: why', '"NA-ME" is no symbol'],
    ['NAME until 6.1: why', '"until" is neither before, since nor on'],
    ['NAME before six: why', '"six" is no kernel series'],
    ['NAME on x86: why', '"x86" is no architecture'],
    ['NAME before: why', '"" is no kernel series'],
  ])('refuses %j', (line, message) => {
    expect(() => parseAllowedMissing(line)).toThrow(message);
  });

  test('of the repository can be read', async () => {
    expect((await loadAllowedMissing()).length).toBeGreaterThan(10);
  });

  test('any text is read or refused by name of its line', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseAllowedMissing(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FragmentError);
        }
      }),
    );
  });

  test('a series is two numbers at the beginning of a version', () => {
    expect(parseSeries('6.12.117')).toEqual([6, 12]);
    expect(parseSeries('7.2-rc3')).toEqual([7, 2]);
    expect(parseSeries('6')).toBeUndefined();
    expect(parseSeries('6.12x')).toBeUndefined();
  });
});
