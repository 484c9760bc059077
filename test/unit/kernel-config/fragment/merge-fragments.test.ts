import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRequests, mergeFragments } from '../../../../kernel-config/src/fragment/merge-fragments.ts';
import { parseFragment } from '../../../../kernel-config/src/fragment/parse-fragment.ts';

describe('mergeFragments()', () => {
  test('keeps one request where two fragments agree', () => {
    const merged = mergeFragments([
      parseFragment('a', 'CONFIG_NET=y'),
      parseFragment('b', 'CONFIG_NET=y\nCONFIG_INET=y'),
    ]);
    expect([...merged.keys()]).toEqual(['INET', 'NET']);
    expect(merged.get('NET')?.fragment).toBe('a');
  });

  test('refuses fragments that contradict each other and names both places', () => {
    const a = parseFragment('a', '\nCONFIG_NET=y');
    const b = parseFragment('b', '# CONFIG_NET is not set');
    expect(() => mergeFragments([a, b])).toThrow('CONFIG_NET is y in a.config:2 but n in b.config:1');
  });

  test('gives the same text for any order of fragments', () => {
    const symbol = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
    const value = fc.constantFrom('y', 'n', '12', '"text"');
    fc.assert(
      fc.property(fc.dictionary(symbol, value), fc.integer({ min: 1, max: 4 }), (values, parts) => {
        const fragments = Array.from({ length: parts }, (_, part) =>
          Object.entries(values)
            .filter((_entry, index) => index % parts === part)
            .map(([name, chosen], index) => ({ name, value: chosen, fragment: `f${part}`, line: index + 1 })),
        );
        const forward = formatRequests(mergeFragments(fragments));
        expect(formatRequests(mergeFragments([...fragments].reverse()))).toBe(forward);
        const again = formatRequests(mergeFragments([parseFragment('again', forward)]));
        expect(again).toBe(forward);
      }),
    );
  });
});
