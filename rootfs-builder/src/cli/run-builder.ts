import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BuildError, reasonOf } from '../build-error.ts';
import { buildCommand } from './build-command.ts';
import { busyboxCommand } from './busybox-command.ts';
import { HELP } from './help.ts';
import { initrdCommand } from './initrd-command.ts';
import { listCommand } from './list-command.ts';
import { osbuilderCommand } from './osbuilder-command.ts';
import { CLI_OPTIONS } from './options.ts';
import type { CliValues } from './options.ts';

type Command = (values: CliValues, operands: readonly string[], signal: AbortSignal) => Promise<string>;

const COMMANDS = new Map<string, { readonly run: Command; readonly help: string }>([
  ['initrd', { run: initrdCommand, help: HELP.initrd }],
  ['build', { run: buildCommand, help: HELP.build }],
  ['busybox', { run: busyboxCommand, help: HELP.busybox }],
  ['osbuilder', { run: osbuilderCommand, help: HELP.osbuilder }],
  ['list', { run: listCommand, help: HELP.list }],
]);

/** Runs one command line and gives the exit status: 0, 1 after one line on stderr, 2 for wrong usage, 128 + signal. */
export async function runBuilder(args: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP['']);
    return 0;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) return complain(`unknown command "${name}" (see --help)`, 2);

  let parsed;
  try {
    parsed = parseArgs({ args: rest, options: CLI_OPTIONS, allowPositionals: true });
  } catch (error) {
    return complain(`${name}: ${reasonOf(error) === '' ? '' : messageOf(error)} (see ${name} --help)`, 2);
  }
  if (parsed.values.help === true) {
    process.stdout.write(command.help);
    return 0;
  }

  const interrupted = new AbortController();
  const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  const onSignal = (signal: NodeJS.Signals): void => interrupted.abort(signal);
  for (const signal of Object.keys(statuses)) process.on(signal, onSignal);
  try {
    process.stdout.write(await command.run(parsed.values, parsed.positionals, interrupted.signal));
    return 0;
  } catch (error) {
    await nextTurn(); // a program's death by the same ctrl-C may be heard before the signal itself
    if (interrupted.signal.aborted) {
      const signal = interrupted.signal.reason as keyof typeof statuses;
      return complain(`${name}: interrupted, nothing written`, statuses[signal]);
    }
    if (error instanceof BuildError) return complain(error.message, 1);
    throw error;
  } finally {
    for (const signal of Object.keys(statuses)) process.removeListener(signal, onSignal);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '').replace(/\. To specify.*$/, '') : String(error);
}

function complain(text: string, status: number): number {
  process.stderr.write(`rootfs-builder: ${text}\n`);
  return status;
}
