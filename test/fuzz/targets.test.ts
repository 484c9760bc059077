/** Each target for `KIHON_FUZZ_SECONDS` (20), with a seed that is printed. docs/testing.md tells how to replay a failure. */
import { expect, it } from 'vitest';
import { checkTarget } from './support/check-target.ts';
import { fuzzPath, fuzzSeconds, fuzzSeed } from './support/fuzz-options.ts';
import { allTargets } from './targets/all-targets.ts';

it.each(allTargets.map((target) => [target.name, target] as const))('%s', async (_name, target) => {
  console.log(`fuzz ${target.name}: KIHON_FUZZ_SEED=${fuzzSeed}, ${fuzzSeconds} s`);
  const options = { seed: fuzzSeed, path: fuzzPath, maxCases: 0x7fff_ffff, maxMs: fuzzSeconds * 1000 };
  const cases = await checkTarget(target, options);
  console.log(`fuzz ${target.name}: ${cases} cases`);
  expect(cases).toBeGreaterThan(0);
});
