import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runInEngine } from '../../support/engine/run-in-engine.ts';

it('watchable mounts follow their sources', async () => {
  const run = await runInEngine(join(import.meta.dirname, 'watchable-program.ts'));
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
  expect(run.stderr).toBe('');
  expect(lines.at(-1)).toBe('ok no child is left');
  expect(run.status).toBe(0);
});
