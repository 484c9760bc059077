import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { homeOf } from '../../../../agent/src/libcontainer/init/passwd.ts';

const text =
  'root:x:0:0:root:/root:/bin/sh\n# comment\nbad\nu:x:1000:1000:U:/home/u:/bin/sh\nrel:x:7:7::home:\nu2:x:1000:1:::';

describe('homeOf()', () => {
  it.each([
    [0, '/root'],
    [1000, '/home/u'],
    [7, undefined],
    [5, undefined],
  ])('uid %s lives in %s', (uid, home) => {
    expect(homeOf(text, uid)).toBe(home);
  });

  it('PRV-04 compares numbers as plain decimal digits', () => {
    expect(homeOf('a:x:00:0::/zero:\nb:x:+0:0::/plus:\nc:x: 0:0::/space:\n', 0)).toBeUndefined();
  });

  it('LIV-10 skips a line of any length', () => {
    expect(homeOf(`${'x'.repeat(1 << 20)}\nroot:x:0:0::/r:`, 0)).toBe('/r');
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(':', '\n', '0', '/', 'x') }), (odd) => void homeOf(odd, 0)),
    );
  });
});
