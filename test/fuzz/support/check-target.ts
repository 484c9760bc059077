import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { BrokenPromise } from './decoder.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { Watchdog } from './watchdog.ts';

/** Processor time that one input of less than 64 KiB may take. */
const MAX_CPU_MS = 200;
/** Memory that one such input may take, the garbage of it included. */
const MAX_MEMORY_BYTES = 64 << 20;
/** A slow or hungry input is tried again: the first time pays for compilation, and for what others left behind. */
const TRIES = 3;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** A breath for the test runner, every so many cases. */
const CASES_PER_BREATH = 256;

export interface FuzzOptions {
  readonly seed: number;
  /** Where in the sequence of `seed` to begin, as a failure prints it: replays that one case. */
  readonly path?: string | undefined;
  readonly maxCases: number;
  /** Ends the search, and the search for a smaller failing input. */
  readonly maxMs: number;
}

interface Cost {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

function memoryBytes(): number {
  const heap = getHeapStatistics();
  return heap.used_heap_size + heap.external_memory;
}

async function runOnce(target: FuzzTarget, input: unknown): Promise<Cost> {
  const memory = memoryBytes();
  const cpu = process.cpuUsage();
  try {
    await target.run(input);
  } catch (error) {
    if (!target.errors.some((type) => error instanceof type))
      throw new BrokenPromise(`${target.name} threw what it may not: ${String(error)}`, { cause: error });
  }
  const used = process.cpuUsage(cpu);
  return { cpuMs: (used.user + used.system) / 1000, memoryBytes: memoryBytes() - memory };
}

async function runWithinLimits(target: FuzzTarget, input: unknown): Promise<void> {
  let best: Cost = { cpuMs: Infinity, memoryBytes: Infinity };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) collectGarbage();
    const cost = await runOnce(target, input);
    best = {
      cpuMs: Math.min(best.cpuMs, cost.cpuMs),
      memoryBytes: Math.min(best.memoryBytes, cost.memoryBytes),
    };
    if (best.cpuMs <= MAX_CPU_MS && best.memoryBytes <= MAX_MEMORY_BYTES) return;
  }
  throw new BrokenPromise(
    `${target.name} took ${Math.round(best.cpuMs)} ms (at most ${MAX_CPU_MS}) and ${best.memoryBytes >> 20} MiB (at most ${MAX_MEMORY_BYTES >> 20})`,
  );
}

/** Runs a target. Gives the number of cases; throws with the smallest input found that fails, and how to replay it. */
export async function checkTarget(target: FuzzTarget, options: FuzzOptions): Promise<number> {
  using watchdog = new Watchdog(target.name, options.seed);
  let cases = 0;
  const property = fc.asyncProperty(target.input, async (input) => {
    watchdog.begin(cases++);
    if (cases % CASES_PER_BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    await runWithinLimits(target, input);
  });
  const result = await fc.check(property, {
    seed: options.seed,
    numRuns: options.maxCases,
    interruptAfterTimeLimit: options.maxMs,
    ...(options.path === undefined ? {} : { path: options.path }),
  });
  if (!result.failed) return cases;
  const replay = `KIHON_FUZZ_SEED=${options.seed} KIHON_FUZZ_PATH=${result.counterexamplePath ?? ''}`;
  const input = fc.stringify(result.counterexample?.[0]).slice(0, 20_000);
  throw new Error(
    `${String(result.errorInstance)}\ninput: ${input}\nreplay: ${replay} make fuzz ONLY='-t ${target.name}'`,
    { cause: result.errorInstance },
  );
}
