import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordRing } from '../../../../agent/src/guest/log/record-ring.ts';
import { encodeBytes, decodeBytes } from '../../../../agent/src/base/text.ts';

const line = (text: string): Uint8Array => encodeBytes(`${text}\n`);

function drain(ring: RecordRing, step = 1 << 20): string {
  let text = '';
  for (let piece = ring.peek(step); piece.length > 0; piece = ring.peek(step)) {
    text += decodeBytes(piece);
    ring.consume(piece.length);
  }
  return text;
}

describe('RecordRing', () => {
  it('gives records back in order', () => {
    const ring = new RecordRing(64);
    for (const text of ['one', 'two', 'three']) ring.push(line(text));
    expect(drain(ring, 2)).toBe('one\ntwo\nthree\n');
    expect(ring.sizeBytes).toBe(0);
    expect(ring.dropped).toBe(0);
  });

  it('drops the oldest whole records when full, and counts them', () => {
    const ring = new RecordRing(16);
    for (const text of ['aaaa', 'bbbb', 'cccc', 'dddd']) ring.push(line(text));
    expect(drain(ring)).toBe('bbbb\ncccc\ndddd\n');
    expect(ring.takeDropped()).toBe(1);
    expect(ring.dropped).toBe(0);
  });

  it('never drops a record that was begun', () => {
    const ring = new RecordRing(16);
    for (const text of ['aaaa', 'bbbb', 'cccc']) ring.push(line(text));
    ring.consume(2);
    for (const text of ['dddd', 'eeee']) ring.push(line(text));
    expect(drain(ring)).toBe('aa\ndddd\neeee\n');
    expect(ring.takeDropped()).toBe(2);
  });

  it('drops the rest of a begun record when its reader leaves', () => {
    const ring = new RecordRing(32);
    for (const text of ['aaaa', 'bbbb']) ring.push(line(text));
    ring.consume(2);
    ring.resetReader();
    ring.resetReader();
    expect(drain(ring)).toBe('bbbb\n');
    expect(ring.takeDropped()).toBe(1);
  });

  it('refuses a record that is larger than the ring, keeping the others', () => {
    const ring = new RecordRing(8);
    ring.push(line('a'));
    ring.push(line('x'.repeat(20)));
    expect(drain(ring)).toBe('a\n');
    expect(ring.takeDropped()).toBe(1);
  });

  it('loses nothing but whole records, whatever the order of pushes and reads', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), length: fc.integer({ min: 0, max: 12 }) }),
      fc.record({ kind: fc.constant('read' as const), length: fc.integer({ min: 1, max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const ring = new RecordRing(32);
        let text = '';
        let pushed = 0;
        for (const { kind, length } of actions) {
          if (kind === 'push') {
            ring.push(line(`${pushed}:${'x'.repeat(length)}`));
            pushed += 1;
          } else {
            const piece = ring.peek(length);
            text += decodeBytes(piece);
            ring.consume(piece.length);
          }
          expect(ring.sizeBytes).toBeLessThanOrEqual(32);
        }
        text += drain(ring, 5);
        const lines = text.split('\n');
        expect(lines.pop()).toBe('');
        let last = -1;
        for (const each of lines) {
          const match = /^(\d+):x*$/.exec(each);
          expect(match).not.toBeNull();
          expect(Number(match?.[1])).toBeGreaterThan(last);
          last = Number(match?.[1]);
        }
        expect(lines.length + ring.dropped).toBe(pushed);
      }),
    );
  });
});
