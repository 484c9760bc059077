/** The reader of config.json, in the engine. */
import { join } from 'node:path';
import { describe } from 'vitest';
import { registerChecks } from '../support/engine/engine-checks.ts';
import { runInEngine } from '../support/engine/run-in-engine.ts';
import type { EngineVariant } from '../support/engine/run-in-engine.ts';

const program = join(import.meta.dirname, 'programs/json.ts');
const variants: readonly EngineVariant[] = ['release', 'sanitize'];

for (const variant of variants) {
  const run = await runInEngine(program, { variant, timeoutMs: 400_000 });
  describe(`reading JSON (${variant})`, () => registerChecks(run, 'ok json: the program runs to its end'));
}
