import { execInContainer } from '../../../runtime/exec.ts';
import { readFile } from '../../../sys/file.ts';
import { UsageError } from '../arguments.ts';
import { pathOption, preserved } from '../bundle-options.ts';
import type { Command } from '../command.ts';
import { containerIdOf } from '../command.ts';
import { processFromFile, processFromOptions } from '../exec-process.ts';

const maxProcessBytes = 16 << 20;

export const command: Command = {
  usage: '[options] CONTAINER-ID COMMAND [ARGUMENT...]\n   or: kihon-oci exec [options] --process FILE CONTAINER-ID',
  about: [
    'Runs a further program in a running container, with the rights and limits of its first process unless said otherwise. The exit',
    'code is that of the program; 255 when it could not be run.',
  ],
  options: [
    {
      name: 'console-socket',
      kind: 'text',
      value: 'PATH',
      about: "Unix socket that gets the master of the program's terminal",
    },
    { name: 'pidfd-socket', kind: 'text', value: 'PATH', about: 'Unix socket that gets a pidfd of the program' },
    { name: 'cwd', kind: 'text', value: 'DIR', about: 'working directory' },
    { name: 'env', aliases: ['e'], kind: 'list', value: 'NAME=VALUE', about: 'add to the environment' },
    { name: 'tty', aliases: ['t'], kind: 'flag', about: 'give it a terminal' },
    { name: 'user', aliases: ['u'], kind: 'text', value: 'UID[:GID]', about: 'run as this user' },
    { name: 'additional-gids', aliases: ['g'], kind: 'list', value: 'GID', about: 'add a supplementary group' },
    {
      name: 'process',
      aliases: ['p'],
      kind: 'text',
      value: 'FILE',
      about: 'the process as JSON, instead of a command',
    },
    { name: 'detach', aliases: ['d'], kind: 'flag', about: 'do not wait for it' },
    { name: 'pid-file', kind: 'text', value: 'FILE', about: 'write its process number here' },
    { name: 'process-label', kind: 'text', value: 'LABEL', about: 'SELinux label' },
    { name: 'apparmor', kind: 'text', value: 'PROFILE', about: 'AppArmor profile' },
    { name: 'no-new-privs', kind: 'flag', about: 'no program gains rights by being executed' },
    { name: 'cap', aliases: ['c'], kind: 'list', value: 'CAPABILITY', about: 'add a capability' },
    { name: 'preserve-fds', kind: 'text', value: 'N', about: 'hand on N descriptors from number 3' },
    { name: 'cgroup', kind: 'list', value: 'PATH', about: "run in this group below the container's own" },
    { name: 'ignore-paused', kind: 'flag', about: 'also in a paused container; the program waits there' },
    { name: 'no-subreaper', kind: 'flag', about: 'do not collect processes that the program leaves behind' },
  ],
  stopsAtOperand: true,
  watchesSignals: true,
  operands: { least: 1, most: Infinity },
  failureCode: 255,
  run: async (invocation) => {
    const { options, operands, global } = invocation;
    const file = pathOption(invocation, 'process');
    const [, ...args] = operands;
    if (file === undefined && args.length === 0) throw new UsageError('exec needs a command or --process FILE');
    const described =
      file === undefined
        ? undefined
        : processFromFile(readFile(file, { maxBytes: maxProcessBytes }), options, (text) => global.log.warn(text));
    const consoleSocket = pathOption(invocation, 'console-socket');
    const pidfdSocket = pathOption(invocation, 'pidfd-socket');
    const pidFile = pathOption(invocation, 'pid-file');
    const subCgroup = options.text('cgroup');
    return await execInContainer({
      root: global.root,
      id: containerIdOf(invocation),
      log: global.log,
      process: (container) => described ?? processFromOptions(options, args, container),
      isForeground: !options.has('detach'),
      isSubreaper: !options.has('no-subreaper'),
      ignoresPause: options.has('ignore-paused'),
      preserved: preserved(invocation),
      ...(consoleSocket === undefined ? {} : { consoleSocket }),
      ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
      ...(pidFile === undefined ? {} : { pidFile }),
      ...(subCgroup === undefined ? {} : { subCgroup }),
    });
  },
};
