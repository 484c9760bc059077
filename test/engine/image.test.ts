/** Promises of a heap that was written out and is gone on from: what is in it is immortal, and read only. */
import { join } from 'node:path';
import { describe } from 'vitest';
import { registerChecks } from '../support/engine/engine-checks.ts';
import { buildEngineImage, runProgram } from '../support/engine/run-in-engine.ts';

const program = await buildEngineImage(join(import.meta.dirname, 'programs/image.ts'));
const run = await runProgram(program, [], 400_000);
describe('image', () => registerChecks(run, 'ok image: the program runs to its end'));
