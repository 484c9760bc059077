import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockController } from '../../../../agent/src/guest/clock/clock-controller.ts';
import { findReference } from '../../../../agent/src/guest/clock/find-reference.ts';
import { followReference, INTERVAL_MS } from '../../../../agent/src/guest/clock/follow-reference.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const US = 1000;
const MS = 1_000_000;
const SEC = 1_000_000_000;
const INTERVAL_SEC = INTERVAL_MS / 1000;

/** A guest's clock that runs wrong by `driftPpb`, and a reference that is right. Times in ns. */
class FakeClocks {
  offset: number;
  driftPpb: number;
  frequencyPpb = 0;
  steps: number[] = [];
  messages: string[] = [];
  delayNs = 500;
  /** Added to what is read, in turn. */
  noise: number[] = [];
  #expire: (() => void) | undefined;

  constructor(offset: number, driftPpb: number) {
    this.offset = offset;
    this.driftPpb = driftPpb;
    followReference({
      compare: () => ({
        offsetNs: BigInt(Math.round(this.offset + (this.noise.shift() ?? 0))),
        delayNs: BigInt(this.delayNs),
      }),
      step: (by) => {
        this.steps.push(Number(by));
        this.offset -= Number(by);
      },
      slew: (ppb) => {
        this.frequencyPpb = ppb;
      },
      setTimer: (delayMs, onExpiry) => {
        expect(delayMs).toBe(INTERVAL_MS);
        this.#expire = onExpiry;
      },
      log: {
        info: (message) => void this.messages.push(message),
        warn: (message) => void this.messages.push(message),
      },
    });
  }

  get isFollowing(): boolean {
    return this.#expire !== undefined;
  }

  /** Lets `count` intervals go by. */
  run(count: number): void {
    for (let round = 0; round < count; round++) {
      // The guest falls behind by its drift, and catches up by what was set.
      this.offset += (this.driftPpb - this.frequencyPpb) * INTERVAL_SEC;
      const expire = this.#expire;
      this.#expire = undefined;
      expire?.();
    }
  }
}

describe('a clock that follows a reference', () => {
  it.each([0, 50_000, -50_000, 200_000, -300_000])('keeps within 20 us of it with a drift of %i ppb', (drift) => {
    const clocks = new FakeClocks(3 * MS, drift);
    clocks.run(60);
    for (let round = 0; round < 20; round++) {
      clocks.run(1);
      expect(Math.abs(clocks.offset)).toBeLessThan(20 * US);
    }
    expect(clocks.frequencyPpb).toBeCloseTo(drift, -3);
    expect(clocks.steps).toEqual([]);
  });

  it('is set at once when it is far away in the beginning, forward or back', () => {
    for (const offset of [3600 * SEC, -3600 * SEC, 200 * MS]) {
      const clocks = new FakeClocks(offset, 10_000);
      expect(clocks.steps).toEqual([offset]);
      expect(clocks.messages).toEqual(['clock set']);
      clocks.run(60);
      expect(Math.abs(clocks.offset)).toBeLessThan(20 * US);
      expect(clocks.steps).toHaveLength(1);
    }
  });

  it('is set again after the guest stood still, when a second look agrees', () => {
    const clocks = new FakeClocks(0, 20_000);
    clocks.run(40);
    clocks.offset += 60 * SEC;
    clocks.run(1);
    expect(clocks.steps).toEqual([]);
    clocks.run(1);
    expect(clocks.steps).toHaveLength(1);
    clocks.run(40);
    expect(Math.abs(clocks.offset)).toBeLessThan(20 * US);
  });

  it('does not jump for one odd sample, nor for comparisons that took long', () => {
    const clocks = new FakeClocks(0, 20_000);
    clocks.run(40);
    clocks.noise = Array(5).fill(SEC) as number[];
    clocks.run(1);
    clocks.run(10);
    clocks.delayNs = 50 * MS;
    clocks.noise = Array(500).fill(SEC) as number[];
    clocks.run(20);
    expect(clocks.steps).toEqual([]);
    expect(Math.abs(clocks.offset)).toBeLessThan(MS);
  });

  it('is slewed, never faster than the kernel can, up to a tenth of a second', () => {
    const clocks = new FakeClocks(99 * MS, 0);
    let last = clocks.offset;
    for (let round = 0; round < 100; round++) {
      clocks.run(1);
      expect(Math.abs(clocks.frequencyPpb)).toBeLessThanOrEqual(500_000);
      // It never goes away from the reference but for the overshoot of the end.
      expect(Math.abs(clocks.offset)).toBeLessThanOrEqual(Math.max(Math.abs(last), 4 * MS));
      last = clocks.offset;
    }
    expect(Math.abs(clocks.offset)).toBeLessThan(20 * US);
    expect(clocks.steps).toEqual([]);
  });

  it('takes the quickest of five comparisons', () => {
    const delays = [900n, 800n, 100n, 700n, 600n];
    const slews: number[] = [];
    followReference({
      compare: () => {
        const delayNs = delays.shift() ?? 0n;
        return { delayNs, offsetNs: delayNs === 100n ? 16_000n : 90_000_000n };
      },
      step: () => undefined,
      slew: (ppb) => void slews.push(ppb),
      setTimer: () => undefined,
      log: { info: () => undefined, warn: () => undefined },
    });
    expect(slews).toEqual([1000]);
    expect(delays).toEqual([]);
  });

  it('ends with one message when the device is gone', () => {
    const messages: string[] = [];
    followReference({
      compare: () => {
        throw new Error('ENODEV');
      },
      step: () => undefined,
      slew: () => undefined,
      setTimer: () => expect.unreachable(),
      log: { info: () => undefined, warn: (message) => void messages.push(message) },
    });
    expect(messages).toHaveLength(1);
  });

  it('never asks for what the kernel refuses, whatever it reads', () => {
    const ns = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
    const sample = fc.record({
      offsetNs: fc.oneof(ns, fc.bigInt(-(10n ** 8n), 10n ** 8n)),
      delayNs: fc.oneof(ns, fc.constant(500n)),
    });
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const controller = new ClockController(INTERVAL_SEC);
        for (const each of samples) {
          const action = controller.update(each);
          if (action.kind === 'slew') {
            expect(Number.isInteger(action.frequencyPpb)).toBe(true);
            expect(Math.abs(action.frequencyPpb)).toBeLessThanOrEqual(500_000);
          }
        }
      }),
    );
  });
});

describe('the reference', () => {
  const CLASS = '/sys/class/ptp';

  it('is the clock that the hypervisor shows, not that of a network card', () => {
    const files = new FakeKernelFiles({
      [`${CLASS}/ptp0/clock_name`]: 'igb-0000:01:00.0\n',
      [`${CLASS}/ptp1/clock_name`]: 'KVM virtual PTP\n',
      '/dev/ptp0': '',
      '/dev/ptp1': '',
    });
    expect(findReference(files)).toBe('/dev/ptp1');
  });

  it.each([
    ['no PTP at all', {}],
    ['a network card only', { [`${CLASS}/ptp0/clock_name`]: 'mlx5_ptp\n', '/dev/ptp0': '' }],
    ['no node', { [`${CLASS}/ptp0/clock_name`]: 'KVM virtual PTP\n' }],
    ['an odd name', { [`${CLASS}/../x/clock_name`]: 'KVM virtual PTP\n' }],
  ])('is none with %s', (_what, files) => {
    expect(findReference(new FakeKernelFiles(files))).toBeUndefined();
  });
});
