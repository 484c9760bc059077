import { giveUpOnSignals } from '../../../runtime/give-up-signals.ts';
import { makeLaunchContext } from '../../../runtime/launch.ts';
import { startContainer } from '../../../runtime/start.ts';
import { ContainerDirectory } from '../../../runtime/state/container-directory.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';

export const command: Command = {
  usage: 'CONTAINER-ID',
  about: ['Runs the program of a container that "create" made. Succeeds when the program was executed.'],
  options: [],
  watchesSignals: true,
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    const { root, log } = invocation.global;
    using directory = ContainerDirectory.openLocked(root, containerIdOf(invocation));
    const context = makeLaunchContext(log, undefined);
    await startContainer(context, directory, giveUpOnSignals(context.loop).signal);
    return 0;
  },
};
