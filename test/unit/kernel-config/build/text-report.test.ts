import { expect, test } from 'vitest';
import { TextReport } from '../../../../kernel-config/src/build/text-report.ts';

/** What a report of several builds writes where there is no terminal. */
function written(elapsedMs: readonly (readonly number[])[]): string[] {
  const lines: string[] = [];
  const out = { isTTY: false, write: (text: string) => lines.push(text) > 0 };
  const { take } = new TextReport('kernel lean', out);
  for (const build of elapsedMs) {
    take({ event: 'building', kernelVersion: '6.12.1', jobs: 3, objects: 'obj' });
    for (const elapsed of build) take({ event: 'progress', steps: 10, expectedSteps: 100, elapsedMs: elapsed });
  }
  return lines.map((line) => (line.includes('building') ? 'building' : (/\d+:\d\d gone/.exec(line)?.[0] ?? line)));
}

test('a log without a terminal gets a line every half minute', () => {
  expect(written([[1000, 31_000, 32_000, 62_000]])).toEqual(['building', '0:31 gone', '1:02 gone']);
});

test('a second build shows its progress as the first does', () => {
  expect(written([[31_000, 500_000], [31_000]])).toEqual([
    'building',
    '0:31 gone',
    '8:20 gone',
    'building',
    '0:31 gone',
  ]);
});
