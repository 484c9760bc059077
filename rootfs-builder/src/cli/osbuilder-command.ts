import { BuildError } from '../build-error.ts';
import { runOsbuilder } from '../osbuilder/run-osbuilder.ts';
import { builtAgent } from './build-command.ts';
import { allowOnly } from './options.ts';
import type { CliValues } from './options.ts';

/** `osbuilder`: one of osbuilder's targets, with its environment variables. */
export async function osbuilderCommand(
  values: CliValues,
  operands: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  allowOnly('osbuilder', values, []);
  const [target, extra] = operands;
  if (target === undefined || extra !== undefined)
    throw new BuildError('osbuilder: give one TARGET (see osbuilder --help)');
  await runOsbuilder(target, process.env, builtAgent, { out: process.stdout, err: process.stderr }, signal);
  return '';
}
