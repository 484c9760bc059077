/** One row of bars. */
export interface BarRow {
  readonly label: string;
  /** One value for each series. */
  readonly values: readonly number[];
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  /** Names of the series, in the order of the values. */
  readonly series: readonly string[];
  readonly rows: readonly BarRow[];
}

const WIDTH = 760;
const LABEL_WIDTH = 200;
const VALUE_WIDTH = 70;
const BAR_HEIGHT = 12;
const ROW_GAP = 8;
const TOP = 64;
/** Readable on light and dark pages. */
const COLOURS = ['#2f6fb0', '#d9822b', '#4a9c5d', '#8a5fb0'];

/** A horizontal bar chart as an SVG document. The same input gives the same bytes. */
export function barChart({ title, unit, series, rows }: BarChart): string {
  const maximum = Math.max(1e-9, ...rows.flatMap(({ values }) => values));
  const rowHeight = BAR_HEIGHT * Math.max(1, series.length) + ROW_GAP;
  const height = TOP + rows.length * rowHeight + ROW_GAP;
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / maximum;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="8" y="20" font-size="15" fill="#222222">${escape(title)}</text>`,
    `<text x="${WIDTH - 8}" y="46" text-anchor="end" fill="#666666">${escape(unit)}</text>`,
    ...legend(series),
  ];
  rows.forEach(({ label, values }, row) => {
    const y = TOP + row * rowHeight;
    const middle = y + (BAR_HEIGHT * Math.max(1, values.length)) / 2 + 4;
    parts.push(
      `<text x="${LABEL_WIDTH - 8}" y="${number(middle)}" text-anchor="end" fill="#222222">${escape(label)}</text>`,
    );
    values.forEach((value, index) => {
      const top = y + index * BAR_HEIGHT;
      const width = Math.max(0, value * scale);
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${top}" width="${number(width)}" height="${BAR_HEIGHT - 1}" fill="${colour(index)}"/>`,
        `<text x="${number(LABEL_WIDTH + width + 4)}" y="${top + 10}" font-size="10" fill="#444444">${shortNumber(value)}</text>`,
      );
    });
  });
  return [...parts, '</svg>', ''].join('\n');
}

function legend(series: readonly string[]): string[] {
  let x = 8;
  return series.flatMap((name, index) => {
    const at = x;
    x += 26 + name.length * 7;
    return [
      `<rect x="${at}" y="36" width="12" height="12" fill="${colour(index)}"/>`,
      `<text x="${at + 17}" y="46" fill="#222222">${escape(name)}</text>`,
    ];
  });
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#2f6fb0';
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function shortNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
