import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentValue, normalizeEnvironment } from '../../../../agent/src/libcontainer/plan/environment.ts';

describe('normalizeEnvironment()', () => {
  it('EXE-11 keeps bytes, drops empty keys, and lets the last of two win', () => {
    expect(normalizeEnvironment(['A=1', 'B= x ', '=x', 'A=2=3', ' C=4'])).toEqual(['A=2=3', 'B= x ', ' C=4']);
  });

  it('gives what a plain object would, in the order of first appearance', () => {
    const entry = fc.tuple(fc.constantFrom('A', 'B', 'a', 'AA', '', '__proto__'), fc.string());
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const wanted = new Map<string, string>();
        for (const [key, value] of entries) if (key !== '') wanted.set(key, value);
        const result = normalizeEnvironment(entries.map(([key, value]) => `${key}=${value}`));
        expect(result).toEqual([...wanted].map(([key, value]) => `${key}=${value}`));
      }),
    );
  });
});

describe('environmentValue()', () => {
  it('finds a key only by its whole name', () => {
    expect(environmentValue(['XPATH=1', 'PATH=a=b'], 'PATH')).toBe('a=b');
    expect(environmentValue(['PATHS=1'], 'PATH')).toBeUndefined();
  });
});
