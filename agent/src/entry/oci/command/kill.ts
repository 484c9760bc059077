import { signalContainer } from '../../../runtime/signal-container.ts';
import { ContainerDirectory } from '../../../runtime/state/container-directory.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';
import { signalNumber } from '../signal-number.ts';

export const command: Command = {
  usage: '[options] CONTAINER-ID [SIGNAL]',
  about: [
    'Sends a signal to the first process of a container: a name such as TERM or SIGTERM, or a number. Default: TERM.',
  ],
  options: [{ name: 'all', aliases: ['a'], kind: 'flag', about: 'to all processes of the container' }],
  operands: { least: 1, most: 2 },
  run: (invocation) => {
    const signal = signalNumber(invocation.operands[1] ?? 'TERM');
    using directory = ContainerDirectory.open(invocation.global.root, containerIdOf(invocation));
    signalContainer(directory.require(), signal, invocation.options.has('all'));
    return 0;
  },
};
