import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startTimeOf } from '../../../../agent/src/libcontainer/launch/process-stat.ts';

const stat = (name: string, state: string, startTime: string): string =>
  `12 (${name}) ${state} ${Array.from({ length: 18 }, (_, index) => String(index)).join(' ')} ${startTime} 1 2 3\n`;

describe('startTimeOf()', () => {
  it('finds field 22 behind any name', () => {
    fc.assert(
      fc.property(fc.string(), fc.bigInt(0n, 2n ** 64n - 1n), (name, time) => {
        expect(startTimeOf(stat(name, 'S', String(time)))).toBe(time);
      }),
    );
  });

  it.each(['Z', 'X'])('knows that a process in state %s is gone', (state) => {
    expect(startTimeOf(stat('a', state, '5'))).toBeUndefined();
  });

  it('takes nothing else for a start time', () => {
    for (const text of ['', 'x', '1 (a) S', stat('a', 'S', '-1'), stat('a', 'S', '1e3'), stat('a', 'S', 'x')])
      expect(startTimeOf(text)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (text) => {
        startTimeOf(text);
      }),
    );
  });
});
