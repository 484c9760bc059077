import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompactHistory, parseFreePages } from '../../../../agent/src/guest/memory/compact-planner.ts';
import { DEFAULT_MEM_AGENT } from '../../../../agent/src/guest/memory/mem-agent-config.ts';
import { parseStallUs, stallPercent } from '../../../../agent/src/guest/memory/pressure.ts';
import { reclaimInSteps, type ReclaimWorld } from '../../../../agent/src/guest/memory/reclaim-in-steps.ts';
import { GroupHistory, type GroupReading } from '../../../../agent/src/guest/memory/reclaim-planner.ts';

const MIB = 1n << 20n;
const RECLAIM = DEFAULT_MEM_AGENT.reclaim;
const COMPACT = DEFAULT_MEM_AGENT.compact;

describe('pressure', () => {
  it('is the total of "some"', () => {
    const text = 'some avg10=0.00 avg60=1.50 avg300=0.00 total=18446744073709551615\nfull avg10=0.00 total=5\n';
    expect(parseStallUs(text)).toBe(2n ** 64n - 1n);
    for (const bad of [undefined, '', 'full avg10=0 total=5\n', 'some total=x', 'some total=123456789012345678901'])
      expect(parseStallUs(bad)).toBeUndefined();
  });

  it('is a share of the time', () => {
    expect(stallPercent(0n, 10_000n, 1000)).toBe(1);
    expect(stallPercent(5n, 1_000_005n, 1000)).toBe(100);
    expect([stallPercent(5n, 4n, 1000), stallPercent(0n, 5n, 0)]).toEqual([0, 0]);
  });
});

describe('what is cold in a container', () => {
  const reading = (atSecs: number, coldFile: bigint, more: Partial<GroupReading> = {}): GroupReading => ({
    ...{ atMs: atSecs * 1000, coldFile, coldAnon: 0n, refaults: 0n, stallUs: 0n },
    ...more,
  });
  const config = { ...RECLAIM, evictionRunAgingCountMin: 3n };

  it('is known after three periods, and is what was cold in all of them', () => {
    const history = new GroupHistory();
    expect(history.plan(reading(0, 50n * MIB), config, false)).toBe('young');
    expect(history.plan(reading(600, 20n * MIB), config, false)).toBe('young');
    expect(history.plan(reading(1200, 90n * MIB), config, false)).toEqual({ bytes: 20n * MIB, swappiness: 0 });
    // Afterwards it has to prove itself anew.
    history.reclaimed(20n * MIB);
    expect(history.plan(reading(1800, 70n * MIB), config, false)).toBe('young');
    expect(history.plan(reading(2400, 70n * MIB), config, false)).toEqual({ bytes: 70n * MIB, swappiness: 0 });
  });

  it.each([0n, 1n])('with %i periods it is what is cold now', (evictionRunAgingCountMin) => {
    const order = new GroupHistory().plan(reading(0, 5n * MIB), { ...config, evictionRunAgingCountMin }, false);
    expect(order).toEqual({ bytes: 5n * MIB, swappiness: 0 });
  });

  it('is left alone while the container waits for memory or disks', () => {
    const history = new GroupHistory();
    const one = { ...config, evictionRunAgingCountMin: 1n };
    history.plan(reading(0, 5n * MIB), one, false);
    expect(history.plan(reading(100, 5n * MIB, { stallUs: 2_000_000n }), one, false)).toBe('waits');
    expect(history.plan(reading(200, 5n * MIB, { stallUs: 3_000_000n }), one, false)).toMatchObject({
      bytes: 5n * MIB,
    });
  });

  it('is not worth a call below 1 MiB', () => {
    const one = { ...config, evictionRunAgingCountMin: 1n };
    expect(new GroupHistory().plan(reading(0, MIB - 1n), one, false)).toBe('nothing');
  });

  it('is taken in smaller parts when it was wanted again, and in larger ones when not', () => {
    const one = { ...config, evictionRunAgingCountMin: 1n };
    const history = new GroupHistory();
    const run = (atSecs: number, refaults: bigint): bigint => {
      const order = history.plan(reading(atSecs, 64n * MIB, { refaults }), one, false);
      if (typeof order === 'string') throw new Error(order);
      history.reclaimed(order.bytes);
      return order.bytes / MIB;
    };
    expect(run(0, 0n)).toBe(64n);
    // 2,000 pages of 16,384 came back.
    expect(run(600, 2000n)).toBe(32n);
    expect(run(1200, 4000n)).toBe(16n);
    expect(run(1800, 4000n)).toBe(32n);
    expect(run(2400, 4000n)).toBe(64n);
    expect(run(3000, 4000n)).toBe(64n);
  });

  it('includes anonymous memory only with swap, and with a bounded swappiness', () => {
    const one = { ...config, evictionRunAgingCountMin: 1n, swaps: true };
    const both = reading(0, 30n * MIB, { coldAnon: 10n * MIB });
    expect(new GroupHistory().plan(both, one, true)).toEqual({ bytes: 40n * MIB, swappiness: 50 });
    expect(new GroupHistory().plan(both, { ...one, swappinessMax: 7 }, true)).toMatchObject({ swappiness: 7 });
    expect(new GroupHistory().plan(both, { ...one, swappinessMax: 255 }, true)).toMatchObject({ swappiness: 50 });
    expect(new GroupHistory().plan(both, one, false)).toEqual({ bytes: 30n * MIB, swappiness: 0 });
    expect(new GroupHistory().plan(both, { ...one, swaps: false }, true)).toEqual({ bytes: 30n * MIB, swappiness: 0 });
  });

  it('is never more than there is, whatever the kernel says', () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const readings = fc.array(
      fc.record({ atMs: fc.nat(), coldFile: u64, coldAnon: u64, refaults: u64, stallUs: u64 }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(readings, u64, fc.boolean(), (list, evictionRunAgingCountMin, hasSwap) => {
        const history = new GroupHistory();
        for (const one of list) {
          const limit = { ...RECLAIM, swaps: true, periodPsiPercentLimit: 255, evictionRunAgingCountMin };
          const order = history.plan(one, limit, hasSwap);
          if (typeof order === 'string') continue;
          expect(order.bytes <= one.coldFile + (hasSwap ? one.coldAnon : 0n)).toBe(true);
          expect(order.swappiness >= 0 && order.swappiness <= 50).toBe(true);
          history.reclaimed(order.bytes);
        }
      }),
    );
  });
});

describe('reclaiming in steps', () => {
  function world(more: Partial<ReclaimWorld> = {}): ReclaimWorld & { steps: bigint[]; now: number } {
    const state = { steps: [] as bigint[], now: 0 };
    return {
      ...state,
      reclaim(bytes) {
        this.steps.push(bytes);
        this.now += 10;
        return true;
      },
      stallUs: () => 0n,
      nowMs() {
        return this.now;
      },
      ...more,
    };
  }
  const order = { bytes: 20n * MIB, swappiness: 0 };

  it('asks for 8 MiB at a time, and no more than ordered', () => {
    const all = world();
    expect(reclaimInSteps(all, order, 1, 1000)).toEqual({ bytes: 20n * MIB, end: 'done' });
    expect(all.steps).toEqual([8n * MIB, 8n * MIB, 4n * MIB]);
  });

  it('ends when the kernel finds no more', () => {
    let calls = 0;
    const some = world({ reclaim: () => (calls += 1) < 2 });
    expect(reclaimInSteps(some, order, 1, 1000)).toEqual({ bytes: 8n * MIB, end: 'exhausted' });
  });

  it('ends when the container begins to wait', () => {
    let stall = 0n;
    const busy = world({ stallUs: () => (stall += 1000n) });
    expect(reclaimInSteps(busy, order, 1, 1000)).toEqual({ bytes: 8n * MIB, end: 'pressure' });
  });

  it('ends in time', () => {
    expect(reclaimInSteps(world(), order, 1, 15)).toEqual({ bytes: 16n * MIB, end: 'deadline' });
  });
});

describe('free memory', () => {
  const TEXT =
    'Node 0, zone      DMA      1      0      1      0      2      1      1      0      1      1      3 \n' +
    'Node 0, zone    DMA32      2      3      0      0      0      0      0      0      0      0      5 \n';

  it('is counted by the size of its blocks', () => {
    expect(parseFreePages(TEXT, 1)).toEqual({
      small: 3n,
      all: 3n + 6n + 4n + 32n + 32n + 64n + 256n + 512n + 8n * 1024n,
    });
    expect(parseFreePages(TEXT, 255).small).toBe(parseFreePages(TEXT, 255).all);
    expect(parseFreePages('nonsense\nNode x\n', 9)).toEqual({ small: 0n, all: 0n });
  });

  it('is compacted when enough small blocks came since the last time', () => {
    const history = new CompactHistory();
    expect(history.plan({ small: 1024n, all: 9000n }, 0, COMPACT)).toBe('skip');
    expect(history.plan({ small: 1025n, all: 9000n }, 0, COMPACT)).toBe('compact');
    history.compacted({ small: 100n, all: 9000n });
    expect(history.plan({ small: 1124n, all: 9000n }, 0, COMPACT)).toBe('skip');
    expect(history.plan({ small: 1125n, all: 9000n }, 0, COMPACT)).toBe('compact');
  });

  it('is compacted when much of it went', () => {
    const history = new CompactHistory();
    history.compacted({ small: 100n, all: 9000n });
    expect(history.plan({ small: 100n, all: 7976n }, 0, COMPACT)).toBe('skip');
    expect(history.plan({ small: 100n, all: 7975n }, 0, COMPACT)).toBe('compact');
  });

  it('is compacted at last after so many periods without', () => {
    const history = new CompactHistory();
    const config = { ...COMPACT, compactForceTimes: 2n };
    const plans = Array.from({ length: 6 }, () => history.plan({ small: 0n, all: 0n }, 0, config));
    expect(plans).toEqual(['skip', 'skip', 'compact', 'skip', 'skip', 'compact']);
  });

  it('is left alone while somebody waits', () => {
    expect(new CompactHistory().plan({ small: 9999n, all: 9999n }, 1.1, COMPACT)).toBe('waits');
    expect(new CompactHistory().plan({ small: 9999n, all: 9999n }, 1, COMPACT)).toBe('compact');
  });
});
