import { environmentValue } from '../../sys/program.ts';
import { getpid } from '../../sys/process.ts';
import type { Fd } from '../../sys/fd.ts';
import { preservedDescriptors } from '../../runtime/own-stdio.ts';
import type { CreateRequest } from '../../runtime/create.ts';
import { serviceFacts } from '../../runtime/service-facts.ts';
import type { Option } from './arguments.ts';
import { UsageError } from './arguments.ts';
import type { Invocation } from './command.ts';
import { containerIdOf } from './command.ts';
import { absolutePath } from './settings.ts';

/** What `create` and `run` have in common. */
export const bundleOptions: readonly Option[] = [
  {
    name: 'bundle',
    aliases: ['b'],
    kind: 'text',
    value: 'DIR',
    about: 'the bundle: config.json and root file system (here)',
  },
  {
    name: 'console-socket',
    kind: 'text',
    value: 'PATH',
    about: "Unix socket that gets the master of the container's terminal",
  },
  { name: 'pidfd-socket', kind: 'text', value: 'PATH', about: 'Unix socket that gets a pidfd of the first process' },
  { name: 'pid-file', kind: 'text', value: 'FILE', about: 'write the number of the first process here' },
  { name: 'no-pivot', kind: 'flag', about: 'switch roots by chroot, for root file systems in a ramdisk: less safe' },
  { name: 'no-new-keyring', kind: 'flag', about: 'keep the session keyring of the caller' },
  { name: 'preserve-fds', kind: 'text', value: 'N', about: 'hand on N descriptors from number 3' },
];

/** The descriptors that go to the program beside its standard streams: those asked for, and `more`. */
export function preserved(invocation: Invocation, more = 0): readonly Fd[] {
  const count = invocation.options.count('preserve-fds') ?? 0;
  if (count < 0 || count > 200) throw new UsageError('--preserve-fds: must be 0 to 200');
  return preservedDescriptors(count + more);
}

/** An option that names a file, absolute. */
export function pathOption({ options }: Invocation, name: string): string | undefined {
  const value = options.text(name);
  return value === undefined || value === '' ? undefined : absolutePath(value);
}

/** A path without `/` and `/.` at its end. */
function withoutTail(path: string): string {
  let end = path.length;
  for (;;) {
    if (path.endsWith('/', end)) end -= 1;
    else if (path.endsWith('/.', end)) end -= 2;
    else return end <= 0 ? '/' : path.slice(0, end);
  }
}

/** The request of `create`, and of `run` except for its own options. */
export function createRequestOf(
  invocation: Invocation,
  how: { readonly isForeground: boolean; readonly startsLater: boolean },
): CreateRequest {
  const { options, global } = invocation;
  const services = serviceFacts(environmentValue, getpid());
  const consoleSocket = pathOption(invocation, 'console-socket');
  const pidfdSocket = pathOption(invocation, 'pidfd-socket');
  const pidFile = pathOption(invocation, 'pid-file');
  return {
    root: global.root,
    id: containerIdOf(invocation),
    bundle: withoutTail(absolutePath(options.text('bundle') ?? '.')),
    cgroups: global.cgroups,
    log: global.log,
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    ...(pidFile === undefined ? {} : { pidFile }),
    hasPivot: !options.has('no-pivot'),
    hasOwnKeyring: !options.has('no-new-keyring'),
    preserved: preserved(invocation, services.descriptors),
    services,
    ...how,
  };
}
