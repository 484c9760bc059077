import { round, svgDocument, svgText } from './svg.ts';

const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 60;
const BOTTOM = 190;
const TOP = 30;

export interface LineChart {
  readonly title: string;
  readonly unit: string;
  readonly xTitle: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** One line over an axis that begins at zero, so that growth has its true size. */
export function lineChart(chart: LineChart): string {
  const lastX = Math.max(1, ...chart.points.map(({ x }) => x));
  const top = Math.max(...chart.points.map(({ y }) => y)) * 1.1;
  const at = (x: number, y: number): string =>
    `${round(LEFT + (x / lastX) * (WIDTH - LEFT - 20))},${round(BOTTOM - (y / top) * (BOTTOM - TOP))}`;
  return svgDocument(WIDTH, HEIGHT, chart.title, [
    svgText(LEFT, 18, chart.title),
    `<path class="axis" fill="none" d="M${LEFT} ${TOP}V${BOTTOM}H${WIDTH - 20}"/>`,
    svgText(LEFT - 6, TOP + 8, `${round(top)} ${chart.unit}`, 'end'),
    svgText(LEFT - 6, BOTTOM, '0', 'end'),
    svgText(LEFT, HEIGHT - 12, '0'),
    svgText(WIDTH - 20, HEIGHT - 12, `${lastX.toLocaleString('en-US')} ${chart.xTitle}`, 'end'),
    `<polyline class="line" points="${chart.points.map(({ x, y }) => at(x, y)).join(' ')}"/>`,
  ]);
}
