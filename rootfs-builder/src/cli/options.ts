import { BuildError } from '../build-error.ts';

/** Options of all commands, in the form of node:util's parseArgs. */
export const CLI_OPTIONS = {
  agent: { type: 'string' },
  output: { type: 'string', short: 'o' },
  root: { type: 'string' },
  owner: { type: 'string' },
  file: { type: 'string', multiple: true },
  modules: { type: 'string' },
  'kernel-release': { type: 'string' },
  module: { type: 'string', multiple: true },
  compress: { type: 'string' },
  tar: { type: 'string' },
  busybox: { type: 'string' },
  format: { type: 'string' },
  fresh: { type: 'boolean' },
  explain: { type: 'boolean' },
  list: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Value<O> = O extends { type: 'boolean' } ? boolean : O extends { multiple: true } ? string[] : string;

/** What was given on the command line. */
export type CliValues = { readonly [K in keyof typeof CLI_OPTIONS]?: Value<(typeof CLI_OPTIONS)[K]> | undefined };

/** Throws BuildError for an option or operand that the command has no use for, so that nothing is silently ignored. */
export function allowOnly(command: string, values: CliValues, known: readonly (keyof CliValues)[]): void {
  const stray = Object.keys(values).find((key) => key !== 'json' && !known.includes(key as keyof CliValues));
  if (stray !== undefined) throw new BuildError(`${command}: --${stray} does not belong here (see ${command} --help)`);
}

/** Throws BuildError unless `value` is one of `choices` (or absent, which gives the first). */
export function choiceOf<T extends string>(
  option: string,
  value: string | undefined,
  choices: readonly [T, ...T[]],
): T {
  if (value === undefined) return choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new BuildError(`--${option} ${value}: must be one of ${choices.join(', ')}`);
  return found;
}

/** Throws BuildError when the command got operands that it does not take. */
export function noOperands(command: string, operands: readonly string[]): void {
  if (operands[0] !== undefined)
    throw new BuildError(`${command}: unexpected "${operands[0]}" (see ${command} --help)`);
}
