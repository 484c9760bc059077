import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimerHeap } from '../../../agent/src/sys/timer-heap.ts';
import type { TimerEntry } from '../../../agent/src/sys/timer-heap.ts';

function entry(dueMs: number, sequence: number): TimerEntry {
  return { dueMs, sequence, callback: () => undefined, position: -1 };
}

/** Takes everything out, in firing order. */
function drain(heap: TimerHeap): TimerEntry[] {
  const fired: TimerEntry[] = [];
  for (let first = heap.first; first !== undefined; first = heap.first) {
    heap.remove(first);
    fired.push(first);
  }
  return fired;
}

const byTime = (a: TimerEntry, b: TimerEntry): number => a.dueMs - b.dueMs || a.sequence - b.sequence;

describe('TimerHeap', () => {
  it('fires in order of time, and of creation at the same time', () => {
    const heap = new TimerHeap();
    const entries = [entry(30, 0), entry(10, 1), entry(20, 2), entry(10, 3)];
    for (const timer of entries) heap.push(timer);
    expect(drain(heap).map(({ sequence }) => sequence)).toEqual([1, 3, 2, 0]);
  });

  it('really removes what is cancelled, and removes it once', () => {
    const heap = new TimerHeap();
    const timer = entry(1, 0);
    heap.push(timer);
    heap.remove(timer);
    heap.remove(timer);
    expect(heap.size).toBe(0);
    expect(heap.first).toBeUndefined();
  });

  it('agrees with a sorted list after any pushes and cancellations', () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 20 }) }) },
      { weight: 2, arbitrary: fc.record({ cancel: fc.nat(200) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const heap = new TimerHeap();
        const model: TimerEntry[] = [];
        const all: TimerEntry[] = [];
        for (const step of operations) {
          if ('push' in step) {
            const timer = entry(step.push, all.length);
            all.push(timer);
            model.push(timer);
            heap.push(timer);
          } else if (all.length > 0) {
            const timer = all[step.cancel % all.length]!;
            heap.remove(timer);
            const index = model.indexOf(timer);
            if (index >= 0) model.splice(index, 1);
          }
          expect(heap.size).toBe(model.length);
          expect(heap.first).toBe([...model].sort(byTime)[0]);
        }
        expect(drain(heap)).toEqual([...model].sort(byTime));
      }),
    );
  });
});
