import { expect, test } from 'vitest';
import { memoryField } from '../../../../host/cli/demo.ts';
import { collect, parseCount, parseMemory, parseSeconds } from '../../../../host/cli/option-parsers.ts';
import { formatAge, formatTable } from '../../../../host/cli/table.ts';

test.each([
  ['256', 256],
  ['256M', 256],
  ['1G', 1024],
  ['2GiB', 2048],
])('parseMemory(%s) is %i MiB', (text, mib) => {
  expect(parseMemory(text)).toBe(mib);
});

test.each(['', 'x', '-1', '1T', '1.5G'])('parseMemory(%j) is refused', (text) => {
  expect(() => parseMemory(text)).toThrow(/MiB/);
});

test('counts are whole and at least 1, seconds may have fractions', () => {
  expect(parseCount('4')).toBe(4);
  for (const text of ['0', '1.5', '', 'x']) expect(() => parseCount(text)).toThrow();
  expect(parseSeconds('0.5')).toBe(500);
  for (const text of ['0', '-1', '', 'x', '1e3']) expect(() => parseSeconds(text)).toThrow();
});

test('repeatable options keep their order', () => {
  expect(collect('b', collect('a', undefined))).toEqual(['a', 'b']);
});

test('formatTable() aligns columns and leaves no blanks at line ends', () => {
  expect(
    formatTable([
      ['A', 'BB'],
      ['long', 'x'],
      ['s', ''],
    ]),
  ).toBe('A     BB\nlong  x\ns');
});

test('formatAge() uses one unit', () => {
  expect([0, 59_000, 60_000, 3_600_000, 90_000_000].map(formatAge)).toEqual(['0s', '59s', '1m', '1h', '1d']);
});

test('memoryField() finds a line of /proc/meminfo', () => {
  const text = 'MemTotal:         245760 kB\nMemAvailable:     230000 kB\n';
  expect([memoryField(text, 'MemTotal'), memoryField(text, 'MemAvailable'), memoryField(text, 'SwapFree')]).toEqual([
    245760,
    230000,
    undefined,
  ]);
});
