/** Promises of the engine and of the system-call layer, checked inside the engine: as released, and under the sanitizers. */
import { join } from 'node:path';
import { describe } from 'vitest';
import { registerChecks } from '../support/engine/engine-checks.ts';
import { runInEngine } from '../support/engine/run-in-engine.ts';
import type { EngineVariant } from '../support/engine/run-in-engine.ts';

const program = join(import.meta.dirname, 'programs/main.ts');
const parts = ['surface', 'text', 'memory', 'descriptors', 'event-loop', 'processes', 'offload'];
const variants: readonly EngineVariant[] = ['release', 'sanitize'];

for (const variant of variants) {
  for (const part of parts) {
    const run = await runInEngine(program, { args: [part], variant, timeoutMs: 400_000 });
    describe(`${part} (${variant})`, () => registerChecks(run, `ok ${part}: the program runs to its end`));
  }
}
