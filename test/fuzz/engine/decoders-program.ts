/**
 * The pure decoders on mutated bytes, inside the engine: whatever the engine itself does wrong with such bytes, the sanitizers see. Arguments: seed,
 * seconds, and optionally the number of the one case to run.
 */
import { describeError } from '../../../agent/src/base/errors.ts';
import { argv } from '../../../agent/src/sys/program.ts';
import { check, runChecks } from '../../support/engine/checks.ts';
import { numberSource, randomInput } from '../support/mutation.ts';
import { textDecoders } from '../targets/text-decoders.ts';
import { wireDecoders } from '../targets/wire-decoders.ts';

const decoders = [...wireDecoders, ...textDecoders];

/** Bytes for a bug report. */
function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4096), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Every case has numbers of its own, so that it can be run alone. */
function runCase(seed: number, index: number): boolean {
  const decoder = decoders[index % decoders.length]!;
  const bytes = randomInput(decoder.corpus, numberSource(Math.imul(seed ^ index, 0x9e3779b1) ^ (index >>> 3)));
  try {
    decoder.decode(bytes);
  } catch (error) {
    if (decoder.errors.some((type) => error instanceof type)) return true;
    // Recursion and memory have their limits in the engine, and no input of this size may reach them.
    check(`case ${index} (${decoder.name}) ends with a typed error`, false, `${describeError(error)}; ${hexOf(bytes)}`);
    return false;
  }
  return true;
}

runChecks(async () => {
  const seed = Number(argv[1] ?? 1);
  const end = Date.now() + Number(argv[2] ?? 1) * 1000;
  const only = argv[3];
  let index = only === undefined ? 0 : Number(only);
  for (let isGood = true; isGood && (index < decoders.length || Date.now() < end); index++) {
    isGood = runCase(seed, index);
    if (only !== undefined) break;
  }
  check(`${index} cases`, true);
});
