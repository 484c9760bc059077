import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  keyedValue,
  parseCount,
  parseFlatKeyed,
  parseIoStat,
  parsePressure,
  parseRdma,
} from '../../../../agent/src/libcontainer/cgroup/parse-stats.ts';

describe('parseCount()', () => {
  it.each([
    ['123\n', 123n],
    ['max\n', 7n],
    ['', 0n],
    ['-1', 0n],
    ['x', 0n],
    ['18446744073709551615', 2n ** 64n - 1n],
  ])('%j is %s', (text, value) => {
    expect(parseCount(text, 7n)).toBe(value);
  });
});

describe('parseFlatKeyed()', () => {
  it('takes lines of key and value, and leaves others out', () => {
    const entries = parseFlatKeyed('usage_usec 5\nodd\nx y\nsystem_usec 18446744073709551615\n\n');
    expect(entries).toEqual([
      ['usage_usec', 5n],
      ['system_usec', 2n ** 64n - 1n],
    ]);
    expect(keyedValue(entries, 'usage_usec')).toBe(5n);
    expect(keyedValue(entries, 'absent')).toBe(0n);
  });
});

describe('parseIoStat()', () => {
  it('gives six counters a device under the names hosts know', () => {
    expect(parseIoStat('8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n')).toEqual(
      ['read', 'write', 'rios', 'wios', 'dbytes', 'dios'].map((op, index) => ({
        major: 8n,
        minor: 0n,
        op,
        value: BigInt(index + 1),
      })),
    );
  });

  it('leaves out lines with other counters', () => {
    expect(parseIoStat('8:0 rbytes=1\n8:1 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 cost.usage=6\n8:2 \n')).toEqual([]);
  });

  it('survives any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseIoStat(text)));
    fc.assert(fc.property(fc.string(), (text) => void parseFlatKeyed(text)));
  });
});

describe('parsePressure()', () => {
  it('reads both lines', () => {
    const text = 'some avg10=1.50 avg60=0.00 avg300=12.34 total=17\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n';
    expect(parsePressure(text)).toEqual({
      some: { avg10: 1.5, avg60: 0, avg300: 12.34, total: 17n },
      full: { avg10: 0, avg60: 0, avg300: 0, total: 5n },
    });
  });

  it('never fails', () => {
    expect(parsePressure('')).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => [parsePressure(text), parsePressure(`some ${text}`)].length === 2));
  });
});

describe('parseRdma()', () => {
  it('reads a line for each device', () => {
    expect(parseRdma('mlx5_0 hca_handle=2 hca_object=max\n\nx\n')).toEqual([
      { device: 'mlx5_0', hcaHandles: 2n, hcaObjects: undefined },
      { device: 'x', hcaHandles: undefined, hcaObjects: undefined },
    ]);
  });
});
