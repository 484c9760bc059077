import { containerStatus } from '../../../runtime/state/container-status.ts';
import { ContainerDirectory } from '../../../runtime/state/container-directory.ts';
import { describeState } from '../../../runtime/state/describe-state.ts';
import { runtimeError } from '../../../runtime/runtime-error.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';
import { print } from '../output.ts';

export const command: Command = {
  usage: 'CONTAINER-ID',
  about: [
    'Shows the state of a container as one JSON object (runtime specification, "State"): creating, created, running, paused or',
    'stopped. The process number is 0 once it has stopped.',
  ],
  options: [],
  operands: { least: 1, most: 1 },
  run: (invocation) => {
    const id = containerIdOf(invocation);
    using directory = ContainerDirectory.open(invocation.global.root, id);
    const state = directory.read();
    // Nothing can be said about a container before its configuration was accepted.
    if (state === undefined) throw runtimeError('no such container', id);
    print(JSON.stringify(describeState(state, containerStatus(directory, state), ''), undefined, 2));
    return 0;
  },
};
