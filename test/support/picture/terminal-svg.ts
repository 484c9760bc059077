/** One line of a terminal, and when it came. */
export interface TimedLine {
  readonly text: string;
  /** Milliseconds after the start. */
  readonly atMs: number;
}

const COLUMN_PX = 8.4;
const LINE_PX = 19;
const MARGIN_PX = 18;

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * A picture of a terminal session in which each line appears when it really came. A viewer without animations shows the
 * whole text.
 */
export function terminalSvg(title: string, lines: readonly TimedLine[]): string {
  const columns = Math.max(...lines.map(({ text }) => text.length), 60);
  const width = Math.ceil(columns * COLUMN_PX + 2 * MARGIN_PX);
  const height = Math.ceil(lines.length * LINE_PX + 2 * MARGIN_PX);
  const rows = lines.map(({ text, atMs }, index) => {
    const y = MARGIN_PX + (index + 1) * LINE_PX - 5;
    const kind = text.startsWith('$ ') ? 'command' : text.startsWith('  | ') ? 'said' : 'line';
    const delay = `style="animation-delay:${(atMs / 1000).toFixed(2)}s"`;
    return `<text class="${kind}" x="${MARGIN_PX}" y="${y}" ${delay} xml:space="preserve">${escapeXml(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    '<style>',
    'text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d5d9e0;animation:show .01s both}',
    '.command{fill:#ffffff;font-weight:bold}.said{fill:#9be28a}',
    '@keyframes show{from{opacity:0}to{opacity:1}}',
    '</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#1b1f27"/>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}
