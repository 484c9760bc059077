import { describe, expect, test } from 'vitest';
import { ARCHITECTURES } from '../../../../kernel-config/src/architecture.ts';
import { CONFIGURATIONS } from '../../../../kernel-config/src/configurations.ts';
import { formatHardening, hardeningReport } from '../../../../kernel-config/src/hardening/hardening-report.ts';
import { HARDENING, type HardeningRule } from '../../../../kernel-config/src/hardening/hardening-table.ts';

const TABLE: readonly HardeningRule[] = [
  { symbol: 'GUARD', wanted: 'on', group: 'memory', why: 'it guards' },
  { symbol: 'HOLE', wanted: 'off', group: 'surface', why: 'it leaks' },
  { symbol: 'SLOW', wanted: 'on', group: 'memory', why: 'it helps', otherwise: { lean: 'it is slow' } },
  { symbol: 'ARM_ONLY', wanted: 'on', group: 'processor', why: 'Arm', architectures: ['aarch64'] },
];

describe('the hardening report', () => {
  const report = hardeningReport(new Map([['HOLE', 'y']]), 'lean', 'x86_64', TABLE);

  test('tells what is as wanted, what is otherwise on purpose, and what is open', () => {
    expect(report.map(({ symbol, actual, state }) => [symbol, actual, state])).toEqual([
      ['GUARD', 'off', 'open'],
      ['HOLE', 'on', 'open'],
      ['SLOW', 'off', 'accepted'],
    ]);
    expect(hardeningReport(new Map([['GUARD', 'y']]), 'kata', 'aarch64', TABLE).map(({ state }) => state)).toEqual([
      'met',
      'met',
      'open',
      'open',
    ]);
  });

  test('gives each reason as text', () => {
    const text = formatHardening(report, 'lean', 'x86_64');
    expect(text).toContain('0 of 3 as wanted, 1 otherwise on purpose, 2 open');
    expect(text).toContain('| SLOW | on | off | it helps; otherwise because: it is slow |');
    expect(text).toContain('| HOLE | off | on | it leaks; OPEN |');
  });

  test('the table names each symbol once, and only architectures and configurations that are', () => {
    const names = HARDENING.map(({ symbol }) => symbol);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    const architectures = ARCHITECTURES.map(({ name }) => name);
    const configurations = CONFIGURATIONS.map(({ name }) => name);
    for (const rule of HARDENING) {
      expect(architectures).toEqual(expect.arrayContaining([...(rule.architectures ?? [])]));
      expect(configurations).toEqual(expect.arrayContaining(Object.keys(rule.otherwise ?? {})));
    }
  });
});
