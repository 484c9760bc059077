import { resumeContainer } from '../../../runtime/freeze.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';

export const command: Command = {
  usage: 'CONTAINER-ID',
  about: ['Lets the processes of a paused container go on.'],
  options: [],
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    await resumeContainer(invocation.global.root, containerIdOf(invocation), invocation.global.log);
    return 0;
  },
};
