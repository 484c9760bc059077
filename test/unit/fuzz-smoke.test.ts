/** One quick pass of every fuzz target; `make fuzz` runs the same ones for longer. */
import { describe, expect, it } from 'vitest';
import { checkTarget } from '../fuzz/support/check-target.ts';
import { fuzzPath, fuzzSeed } from '../fuzz/support/fuzz-options.ts';
import { allTargets } from '../fuzz/targets/all-targets.ts';
import { amount } from '../support/long.ts';

describe('whatever the bytes, only typed errors, in little time and memory', () => {
  it.each(allTargets.map((target) => [target.name, target] as const))('%s', async (_name, target) => {
    const cases = await checkTarget(target, {
      seed: fuzzSeed,
      path: fuzzPath,
      maxCases: amount(200, 5000),
      maxMs: 20_000,
    });
    expect(cases).toBeGreaterThan(0);
  });
});
