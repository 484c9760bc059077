import { createOnDisk, openBundle, planContainer } from '../../../runtime/create.ts';
import { giveUpOnSignals } from '../../../runtime/give-up-signals.ts';
import { cgroupRootFor, makeLaunchContext } from '../../../runtime/launch.ts';
import { bundleOptions, createRequestOf } from '../bundle-options.ts';
import type { Command } from '../command.ts';

export const command: Command = {
  usage: '[options] CONTAINER-ID',
  about: [
    'Makes a container from a bundle: namespaces, mounts, limits, everything but running its program. The program keeps the standard',
    'streams of this command; with "terminal" in its configuration it gets a terminal, whose master goes to --console-socket.',
  ],
  options: bundleOptions,
  watchesSignals: true,
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    const request = createRequestOf(invocation, { isForeground: false, startsLater: true });
    const bundle = openBundle(request);
    const context = makeLaunchContext(request.log, cgroupRootFor(request.cgroups));
    const { signal } = giveUpOnSignals(context.loop);
    await createOnDisk(context, request, await planContainer(context, request, bundle, signal), signal);
    return 0;
  },
};
