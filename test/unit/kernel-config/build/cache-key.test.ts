import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kernelCacheKey } from '../../../../kernel-config/src/build/cache-key.ts';

const INPUTS = { arch: 'x86_64', sourceDigest: 'ab'.repeat(32), requests: 'CONFIG_NET=y\n', flags: '' };

describe('kernelCacheKey()', () => {
  test('is a file name and stays the same for the same inputs', () => {
    expect(kernelCacheKey(INPUTS)).toMatch(/^[0-9a-f]{32}$/);
    expect(kernelCacheKey({ ...INPUTS })).toBe(kernelCacheKey(INPUTS));
  });

  test.each([
    ['the architecture', { ...INPUTS, arch: 'aarch64' }],
    ['the source', { ...INPUTS, sourceDigest: 'cd'.repeat(32) }],
    ['a request', { ...INPUTS, requests: 'CONFIG_NET=y\nCONFIG_INET=y\n' }],
    ["the compiler's flags", { ...INPUTS, flags: '-Os' }],
  ])('changes with %s', (_name, other) => {
    expect(kernelCacheKey(other)).not.toBe(kernelCacheKey(INPUTS));
  });

  test('does not let fields run together', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (moved, rest) => {
        const left = { arch: 'a', sourceDigest: `s${moved}`, requests: rest, flags: '' };
        const right = { arch: 'a', sourceDigest: 's', requests: `${moved}${rest}`, flags: '' };
        expect(kernelCacheKey(left)).not.toBe(kernelCacheKey(right));
      }),
    );
  });
});
