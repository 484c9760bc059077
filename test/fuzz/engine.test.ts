/** The pure decoders in the engine, built with AddressSanitizer and UBSan. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildEngineProgram, runProgram } from '../support/engine/run-in-engine.ts';
import { fuzzPath, fuzzSeconds, fuzzSeed } from './support/fuzz-options.ts';

const program = join(import.meta.dirname, 'engine/decoders-program.ts');

it.each(['sanitize', 'release'] as const)('decoders-in-engine-%s', async (variant) => {
  const elf = await buildEngineProgram(program, variant);
  const path = fuzzPath === undefined ? [] : [fuzzPath];
  const timeoutMs = fuzzSeconds * 1000 + 60_000;
  const run = await runProgram(elf, [`${fuzzSeed}`, `${fuzzSeconds}`, ...path], timeoutMs);
  console.log(`fuzz decoders-in-engine-${variant}: KIHON_FUZZ_SEED=${fuzzSeed}: ${run.stdout.trim()}`);
  expect(run.stderr).toBe('');
  expect(run.status, `${run.stdout.slice(-20_000)}\nthe case number is KIHON_FUZZ_PATH`).toBe(0);
});
