import { expect, it } from 'vitest';
import type { EngineRun } from './run-in-engine.ts';

/** One test for each promise the program checked (checks.ts), and one for how it ended. */
export function registerChecks(run: EngineRun, lastLine: string): void {
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    const [, outcome, promise = line, detail = line] = /^(ok|FAIL) ([^:]*)(?:: (.*))?$/.exec(line) ?? [];
    it(promise, () => {
      if (outcome !== 'ok') expect.unreachable(detail);
    });
  }
  it('runs to its end, says nothing else and exits with 0', () => {
    expect({ status: run.status, signal: run.signal, stderr: run.stderr }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
    });
    expect(lines.at(-1)).toBe(lastLine);
  });
}
