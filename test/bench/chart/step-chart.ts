import { round, svgDocument, svgText } from './svg.ts';

const WIDTH = 860;
const LABELS = 330;
const ROW = 20;

export interface ChartStep {
  readonly name: string;
  /** Whose work it is: a colour. */
  readonly actor: string;
  /** From the beginning, and how long, in ms. */
  readonly startMs: number;
  readonly lengthMs: number;
}

/** What the colours mean. */
const LEGEND = 'blue: the agent; orange: the new process; grey: the host';

/** Steps one below the other, each bar where its time lies. */
export function stepChart(title: string, steps: readonly ChartStep[]): string {
  const end = Math.max(...steps.map(({ startMs, lengthMs }) => startMs + lengthMs));
  const scale = (WIDTH - LABELS - 70) / end;
  const rows = steps.flatMap((step, index) => {
    const y = 30 + index * ROW;
    const x = LABELS + step.startMs * scale;
    const width = Math.max(1, step.lengthMs * scale);
    return [
      svgText(LABELS - 8, y + 13, step.name, 'end'),
      `<rect class="bar ${step.actor}" x="${round(x)}" y="${y + 3}" width="${round(width)}" height="${ROW - 6}"/>`,
      svgText(x + width + 4, y + 13, `${((step.lengthMs / end) * 100).toFixed(0)} %`),
    ];
  });
  return svgDocument(WIDTH, 40 + steps.length * ROW, title, [
    svgText(8, 18, title),
    svgText(WIDTH - 8, 18, LEGEND, 'end'),
    ...rows,
  ]);
}
