import { runContainer } from '../../../runtime/run.ts';
import { bundleOptions, createRequestOf } from '../bundle-options.ts';
import type { Command } from '../command.ts';

export const command: Command = {
  usage: '[options] CONTAINER-ID',
  about: [
    'Creates a container, runs its program, waits for it and removes the container. The exit code is that of the program, or 128 and',
    'the number of the signal that ended it. Signals to this command go to the program.',
  ],
  options: [
    ...bundleOptions,
    { name: 'detach', aliases: ['d'], kind: 'flag', about: 'do not wait: leave the container running' },
    { name: 'no-subreaper', kind: 'flag', about: 'do not collect processes that the program leaves behind' },
    { name: 'keep', kind: 'flag', about: 'do not remove the container when its program has ended' },
  ],
  watchesSignals: true,
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    const { options } = invocation;
    const request = createRequestOf(invocation, { isForeground: !options.has('detach'), startsLater: false });
    return await runContainer(request, { isSubreaper: !options.has('no-subreaper'), isKept: options.has('keep') });
  },
};
