import { containerStatus } from '../../../runtime/state/container-status.ts';
import { ContainerDirectory, listContainerIds } from '../../../runtime/state/container-directory.ts';
import { describeState } from '../../../runtime/state/describe-state.ts';
import { ownerName } from '../../../runtime/state/owner-name.ts';
import { UsageError } from '../arguments.ts';
import type { Command, GlobalOptions } from '../command.ts';
import { explainError } from '../explain-error.ts';
import { print } from '../output.ts';
import { formatTable } from '../table.ts';

const columns = ['id', 'pid', 'status', 'bundle', 'created', 'owner'] as const;

/** One container; undefined when it went meanwhile, or cannot be read, which must not hide the others. */
function describe({ root, log }: GlobalOptions, id: string): Record<string, unknown> | undefined {
  try {
    using directory = ContainerDirectory.tryOpen(root, id);
    const state = directory?.read();
    if (directory === undefined || state === undefined) return undefined;
    return describeState(state, containerStatus(directory, state), ownerName(state.owner));
  } catch (error) {
    log.error(`load container ${id}: ${explainError(error)}`);
    return undefined;
  }
}

export const command: Command = {
  usage: '[options]',
  about: ['Lists all containers below the root directory of the state (--root).'],
  options: [
    { name: 'format', aliases: ['f'], kind: 'text', value: 'FORMAT', about: 'table or json' },
    { name: 'quiet', aliases: ['q'], kind: 'flag', about: 'ids only' },
  ],
  operands: { least: 0, most: 0 },
  run: ({ options, global }) => {
    const format = options.text('format') ?? 'table';
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`);
    const ids = listContainerIds(global.root);
    if (options.has('quiet')) {
      print(ids.map((id) => `${id}\n`).join(''));
      return 0;
    }
    const found = ids.map((id) => describe(global, id)).filter((entry) => entry !== undefined);
    if (format === 'json') print(`${JSON.stringify(found)}\n`);
    else {
      const rows = found.map((entry) => columns.map((column) => String(entry[column])));
      print(formatTable([columns.map((column) => column.toUpperCase()), ...rows]));
    }
    return 0;
  },
};
