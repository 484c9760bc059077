import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceivedRanges } from '../../../../agent/src/guest/copy-file/received-ranges.ts';

const SIZE = 40;

describe('the bytes of a file that have arrived', () => {
  it('are all there exactly when every byte was in some range', () => {
    const range = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
        const received = new ReceivedRanges();
        const seen = new Set<number>();
        for (const [start, end] of ranges) {
          received.add(start, end);
          for (let at = start; at < end; at++) seen.add(at);
          for (const size of [0, 1, SIZE / 2, SIZE]) {
            const isComplete = Array.from({ length: size }, (_, at) => at).every((at) => seen.has(at));
            // Nobody asks for less than what has come: a chunk beyond the size is refused.
            if ([...seen].every((at) => at < size)) expect(received.isComplete(size)).toBe(isComplete);
          }
        }
      }),
    );
  });

  it('may not lie in more pieces than a host would make', () => {
    const received = new ReceivedRanges();
    expect(() => {
      for (let at = 0; at < 10_000; at += 2) received.add(at, at + 1);
    }).toThrow('separate pieces');
  });
});
