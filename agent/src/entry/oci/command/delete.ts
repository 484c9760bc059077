import { deleteContainer } from '../../../runtime/delete.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';

export const command: Command = {
  usage: '[options] CONTAINER-ID',
  about: ['Removes a stopped container: its cgroup and its state. The bundle stays.'],
  options: [
    {
      name: 'force',
      aliases: ['f'],
      kind: 'flag',
      about: 'kill it first if it has not stopped; no error if there is none',
    },
  ],
  watchesSignals: true,
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    const { root, log } = invocation.global;
    await deleteContainer({ root, log, id: containerIdOf(invocation), isForced: invocation.options.has('force') });
    return 0;
  },
};
