import { DomainError } from '../../../base/errors.ts';
import { decodeBytes } from '../../../base/text.ts';
import { makeLaunchContext } from '../../../runtime/launch.ts';
import { listProcesses } from '../../../runtime/process-list.ts';
import { runCommand } from '../../../sys/command.ts';
import { exists } from '../../../sys/file.ts';
import { exitNumber } from '../../../sys/reaper.ts';
import { UsageError } from '../arguments.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';
import { print } from '../output.ts';
import { selectProcesses } from '../ps-table.ts';

/** Never by PATH: this runs with our rights. */
const places = ['/usr/bin/ps', '/bin/ps'];
const maxOutputBytes = 8 << 20;
const deadlineMs = 30_000;

export const command: Command = {
  usage: '[options] CONTAINER-ID [PS-OPTIONS...]',
  about: [
    "Lists the processes of a container: their numbers as JSON, or what the system's ps says about them (-ef unless given).",
  ],
  options: [{ name: 'format', aliases: ['f'], kind: 'text', value: 'FORMAT', about: 'table or json' }],
  stopsAtOperand: true,
  watchesSignals: true,
  operands: { least: 1, most: Infinity },
  run: async (invocation) => {
    const { options, operands, global } = invocation;
    const format = options.text('format') ?? 'table';
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`);
    const pids = listProcesses(global.root, containerIdOf(invocation));
    if (format === 'json') {
      print(`${JSON.stringify(pids)}\n`);
      return 0;
    }
    const path = places.find((place) => exists(place));
    if (path === undefined) throw new DomainError('failed_precondition', 'this system has no ps: use --format json');
    const given = operands.slice(1);
    const argv = ['ps', ...(given.length === 0 ? ['-ef'] : given)];
    const context = makeLaunchContext(global.log, undefined);
    const { status, stdout, stderr } = await runCommand(context, { path, argv, env: [], maxOutputBytes, deadlineMs });
    if (exitNumber(status) !== 0) throw new DomainError('failed_precondition', `ps: ${decodeBytes(stderr).trim()}`);
    print(selectProcesses(decodeBytes(stdout).replace(/\n$/, ''), pids));
    return 0;
  },
};
