import { environmentValue } from '../../sys/program.ts';
import { exit, setSignalMask } from '../../sys/process.ts';
import { parseArguments, UsageError } from './arguments.ts';
import type { Command, GlobalOptions } from './command.ts';
import { commands } from './commands.ts';
import { explainError } from './explain-error.ts';
import { globalOptions } from './global-options.ts';
import { LogOutput } from './log-output.ts';
import { complain, print } from './output.ts';
import { globalOptionsOf, logOutputOf } from './settings.ts';

const failure = 1;

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h' || word === '-help';
}

async function showHelp(name: string | undefined, command?: Command): Promise<number> {
  const { commandHelp, programHelp } = await import('./help.ts');
  print(name === undefined || command === undefined ? programHelp() : commandHelp(name, command));
  return 0;
}

/** What a command's own `--help` shows counts only before its operands. */
function asksForHelp(command: Command, args: readonly string[]): boolean {
  for (const word of args) {
    if (isHelp(word)) return true;
    if (word === '--' || (command.stopsAtOperand === true && !word.startsWith('-'))) return false;
  }
  return false;
}

async function perform(
  name: string,
  command: Command,
  args: readonly string[],
  global: GlobalOptions,
): Promise<number> {
  const given = command.takesAnything === true ? [] : args;
  const { options, operands } = parseArguments(command.options, given, command.stopsAtOperand === true);
  const { least, most } = command.operands;
  if (operands.length < least || operands.length > most) {
    throw new UsageError(
      `${name} takes ${least === most ? least : `${least} or more`} arguments, not ${operands.length}`,
    );
  }
  // The engine blocks all of them.
  if (command.watchesSignals !== true) setSignalMask(0n);
  return await command.run({ options, operands, global });
}

async function dispatch(args: readonly string[], log: { output: LogOutput }): Promise<number> {
  const { options, operands } = parseArguments(globalOptions, args, true);
  const [name, ...rest] = operands;
  if (options.has('version')) {
    print((await import('./version.ts')).versionText());
    return 0;
  }
  if (options.has('help') || name === undefined || name === 'help') {
    const entry = name === 'help' && rest[0] !== undefined ? commands.get(rest[0]) : undefined;
    return await showHelp(rest[0], (await entry?.load())?.command);
  }
  log.output = logOutputOf(options);
  const entry = commands.get(name);
  if (entry === undefined) throw new UsageError(`No such command: ${name.slice(0, 100)}`);
  const { command } = await entry.load();
  if (asksForHelp(command, rest)) return await showHelp(name, command);
  try {
    return await perform(name, command, rest, globalOptionsOf(options, log.output, environmentValue));
  } catch (error) {
    log.output.write('error', explainError(error), `kihon-oci ${name}: ${explainError(error)}`);
    if (error instanceof UsageError) complain(`"kihon-oci ${name} --help" tells how to use it\n`);
    return command.failureCode ?? failure;
  }
}

/** The whole program: gives every outcome an exit code, and every failure a line. */
export async function main(args: readonly string[]): Promise<never> {
  const log = { output: new LogOutput(undefined, 'text', false) };
  let code = failure;
  try {
    code = await dispatch(args, log);
  } catch (error) {
    log.output.write('error', explainError(error));
    if (error instanceof UsageError) complain('"kihon-oci --help" lists commands and options\n');
  } finally {
    exit(code);
  }
}
