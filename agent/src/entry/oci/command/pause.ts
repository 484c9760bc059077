import { pauseContainer } from '../../../runtime/freeze.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';

export const command: Command = {
  usage: 'CONTAINER-ID',
  about: ['Stops all processes of a container where they are, until "resume".'],
  options: [],
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    await pauseContainer(invocation.global.root, containerIdOf(invocation), invocation.global.log);
    return 0;
  },
};
