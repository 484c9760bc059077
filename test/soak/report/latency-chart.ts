import { round, svgDocument, svgText } from '../../bench/chart/svg.ts';
import { formatNumber } from '../../bench/report/format-number.ts';
import type { Outcome } from '../run-scenario.ts';

const WIDTH = 860;
const LABELS = 300;
const RIGHT = 150;
const TOP = 40;
const ROW = 34;
const BAR = 10;
const SMALLEST_MS = 0.05;

/** Checks of each scenario on a logarithmic scale: a bar from the median to the 99th percentile; grey is the idle agent. */
export function latencyChart(outcomes: readonly Outcome[]): string {
  const highest = Math.max(1, ...outcomes.map(({ busy }) => busy.p99));
  const scale = (WIDTH - LABELS - RIGHT) / Math.log10(highest / SMALLEST_MS);
  const x = (ms: number): number => LABELS + Math.log10(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * scale;
  const bar = (from: number, to: number, y: number, kind: string): string =>
    `<rect class="bar ${kind}" x="${round(x(from))}" y="${y}" width="${round(Math.max(2, x(to) - x(from)))}" height="${BAR}"/>`;
  const rows = outcomes.flatMap(({ title, place, idle, busy }, index) => {
    const y = TOP + index * ROW;
    return [
      svgText(LABELS - 8, y + 16, `${title} (${place === 'vm' ? 'VM' : 'process'})`, 'end'),
      bar(idle.p50, idle.p99, y, 'host'),
      bar(busy.p50, busy.p99, y + BAR + 2, 'agent'),
      svgText(x(Math.max(busy.p99, idle.p99)) + 6, y + 16, `${formatNumber(busy.p50)} to ${formatNumber(busy.p99)} ms`),
    ];
  });
  return svgDocument(WIDTH, TOP + outcomes.length * ROW + 10, 'Check during the soak', [
    svgText(8, 18, 'Check from the median to the 99th percentile, logarithmic'),
    svgText(WIDTH - 8, 18, 'grey: idle; blue: meanwhile', 'end'),
    ...rows,
  ]);
}
