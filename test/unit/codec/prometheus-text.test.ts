import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMetrics, plainDecimal } from '../../../agent/src/codec/prometheus-text.ts';
import { parseAuxv } from '../../../agent/src/codec/auxv.ts';
import { parseWithNpm } from '../../support/metrics/parse-with-npm.ts';
import { parsePrometheus } from '../../support/metrics/parse-prometheus.ts';

describe('metrics as text', () => {
  it('are what a monitor expects', () => {
    const text = formatMetrics([
      { name: 'b', type: 'gauge', help: 'Second.', samples: [{ labels: [], value: 1.5 }] },
      {
        name: 'a',
        type: 'counter',
        help: 'First.',
        samples: [
          { labels: [['x', '2']], value: 2n ** 64n },
          { labels: [['x', '1"\\\n']], value: 0 },
        ],
      },
      { name: 'none', type: 'gauge', help: 'Nothing.', samples: [] },
    ]);
    expect(text).toBe(
      '# HELP a First.\n# TYPE a counter\na{x="1\\"\\\\\\n"} 0\na{x="2"} 18446744073709551616\n' +
        '# HELP b Second.\n# TYPE b gauge\nb 1.5\n',
    );
  });

  it('come back from a parser of others too', () => {
    const label = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.uniqueArray(label, { minLength: 1, maxLength: 5 }), (values) => {
        const samples = values.map((value, index) => ({ labels: [['x', value]] as const, value: BigInt(index) }));
        const [family] = parseWithNpm(formatMetrics([{ name: 'a', type: 'gauge', help: 'A.', samples }]));
        const found = family?.metrics.map((sample) => [sample.labels?.['x'], Number(sample.value)]);
        expect(found?.sort()).toEqual(values.map((value, index) => [value.toWellFormed(), index]).sort());
      }),
    );
  });

  it('come back from a parser as they went in, whatever is in a label', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.uniqueArray(text.map((value) => value.toWellFormed())), fc.nat(), (values, number) => {
        const samples = values.map((value) => ({ labels: [['item', value] as const], value: number }));
        const families = parsePrometheus(formatMetrics([{ name: 'f', type: 'gauge', help: 'h', samples }]));
        const found = [...(families.get('f')?.samples.values() ?? [])];
        expect(found.map(({ labels }) => labels.get('item')).sort()).toEqual([...values].sort());
        expect(found.every(({ value }) => value === number)).toBe(true);
      }),
    );
  });

  it.each([
    [0, '0'],
    [0.05, '0.05'],
    [1e21, '1000000000000000000000'],
    [1e-7, '0.000000100'],
    [123456789n, '123456789'],
  ])('hold %s as %s: no exponents', (value, text) => {
    expect(plainDecimal(value)).toBe(text);
  });
});

describe('the auxiliary vector', () => {
  it('gives the values of the kernel, and stops at its end or where it is cut', () => {
    const bytes = new Uint8Array(new BigUint64Array([6n, 4096n, 17n, 100n, 0n, 0n, 9n, 9n]).buffer);
    expect(parseAuxv(bytes)).toEqual({ 6: 4096, 17: 100 });
    expect(parseAuxv(bytes.subarray(0, 31))).toEqual({ 6: 4096 });
    expect(parseAuxv(new Uint8Array())).toEqual({});
  });
});
