import { expect, test } from 'vitest';
import { tscFrequencyKhz } from '../../../../host/vm/tsc-frequency.ts';

const processor = (bogomips: string, flags = 'fpu tsc constant_tsc'): string =>
  `processor\t: 0\ncpu MHz\t\t: 1200.000\nflags\t\t: ${flags}\nbogomips\t: ${bogomips}\n\n`;

test.each([
  ['the counter of a PC, whatever its cores run at', processor('5192.26') + processor('5192.26'), 2_596_130],
  ['a counter that changes with the core', processor('5192.26', 'fpu tsc'), undefined],
  ['processors that disagree', processor('5192.26') + processor('4000.00'), undefined],
  ['another architecture', 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n', undefined],
  ['a delay loop that no counter runs', processor('12.50'), undefined],
  ['nothing', '', undefined],
])('%s', (_what, cpuinfo, expected) => {
  expect(tscFrequencyKhz(cpuinfo)).toBe(expected);
});
