import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runInEngine } from '../../support/engine/run-in-engine.ts';

it('PRV-09: labels and resctrl groups are written where the kernel looks for them, and what it refuses is an error', async () => {
  const run = await runInEngine(join(import.meta.dirname, 'labels-and-groups-program.ts'));
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
  expect(run.stderr).toBe('');
  expect(lines.at(-1)).toBe('ok a group that is gone is removed twice');
  expect(run.status).toBe(0);
});
