import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barChart } from '../../../../kernel-config/src/chart/bar-chart.ts';

describe('barChart()', () => {
  test('escapes what XML would take for markup, and gives the same bytes for the same input', () => {
    const chart = { title: 'a < b & "c"', unit: 'ms', series: ['<x>'], rows: [{ label: 'r&r', values: [1] }] };
    const svg = barChart(chart);
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(svg).toContain('r&amp;r');
    expect(svg).not.toContain('<x>');
    expect(barChart(chart)).toBe(svg);
  });

  test('draws every bar inside the picture, also when all values are zero', () => {
    const value = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { maxLength: 20 }), (values) => {
        const svg = barChart({
          title: '',
          unit: '',
          series: [],
          rows: values.map((row) => ({ label: '', values: row })),
        });
        for (const [, x, width] of svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)) {
          expect(Number(x) + Number(width)).toBeLessThanOrEqual(760);
        }
        expect(svg).not.toMatch(/NaN|Infinity/);
      }),
    );
  });
});
