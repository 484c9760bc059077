import type { Option } from './arguments.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { globalOptions } from './global-options.ts';

const program = 'kihon-oci';

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function optionRow({ name, aliases = [], kind, value = 'VALUE', about }: Option): readonly [string, string] {
  const names = [...aliases.filter((alias) => alias.length === 1).map((alias) => `-${alias}`), `--${name}`];
  return [
    `${names.join(', ')}${kind === 'flag' ? '' : ` ${value}`}`,
    kind === 'list' ? `${about} (repeatable)` : about,
  ];
}

const helpOption: Option = { name: 'help', aliases: ['h'], kind: 'flag', about: 'show this text' };

/** The overview. */
export function programHelp(): string {
  return [
    `${program}: runs containers as the OCI runtime specification describes them. A drop-in for runc.`,
    '',
    `Usage: ${program} [global options] COMMAND [options] [arguments]`,
    '',
    'A container comes from a bundle: a directory with config.json and a root file system. To try it:',
    '',
    `  mkdir -p b/rootfs && cd b      then put a root file system into rootfs/`,
    `  ${program} spec                write a config.json that runs sh`,
    `  ${program} run demo            run it as container "demo"`,
    '',
    'Commands:',
    ...columns([...commands].map(([name, { summary }]) => [name, summary] as const)),
    '',
    'Global options:',
    ...columns(globalOptions.map(optionRow)),
    '',
    `"${program} COMMAND --help" tells more about a command.`,
    '',
  ].join('\n');
}

/** The page of one command. */
export function commandHelp(name: string, command: Command): string {
  return [
    `Usage: ${program} ${name} ${command.usage}`,
    '',
    ...command.about,
    '',
    'Options:',
    ...columns([...command.options, helpOption].map(optionRow)),
    '',
  ].join('\n');
}
