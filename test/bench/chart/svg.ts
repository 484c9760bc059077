/** Text and strokes that read on a light and on a dark page. */
const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#57606a}',
  '.axis{stroke:#8c959f;stroke-width:1}',
  '.line{fill:none;stroke:#0969da;stroke-width:2}',
  '.bar{fill:#0969da}.bar.child{fill:#bc4c00}.bar.host{fill:#8c959f}',
].join('');

/** Text of an XML document. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A whole drawing. */
export function svgDocument(width: number, height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

/** A line of text; `anchor` is where x lies in it. */
export function svgText(x: number, y: number, text: string, anchor: 'start' | 'end' = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

/** Coordinates need no more than a tenth of a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
