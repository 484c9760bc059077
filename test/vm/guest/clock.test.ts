import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runAsInit } from '../../support/vm/run-as-init.ts';

it('the wall clock of a guest can be set by a difference, and made to run faster or slower', async () => {
  const run = await runAsInit(join(import.meta.dirname, 'clock-program.ts'));
  const lines = run.console.filter((line) => /^(ok|FAIL) /.test(line));
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(lines.at(-1), run.console.join('\n')).toBe('ok the program ends');
  expect(lines).toHaveLength(11);
  expect(run.status).toBe(0);
});
