import { constants } from 'node:os';
import type { Command } from 'commander';
import { Container } from '../../sdk/container.ts';
import { execProcessOptions } from '../../sdk/sandbox.ts';
import { StateStore } from '../../sdk/state-store.ts';
import { attachStreams, EXIT_BROKEN_PIPE } from '../attach-streams.ts';
import { connectSandbox, requireRoot } from '../connect-sandbox.ts';
import { Interruption } from '../interruption.ts';
import { collect } from '../option-parsers.ts';
import type { SetExitCode } from '../command-context.ts';
import { RawTerminal } from '../terminal.ts';

interface ExecFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
}

/** How long a command may take to end after our first ctrl-C, in ms. */
const SIGNAL_GRACE_MS = 5000;

const SIGKILL = 9;

async function execute(name: string, args: readonly string[], flags: ExecFlags): Promise<number> {
  requireRoot();
  using interruption = new Interruption();
  const record = new StateStore().get(name);
  await using client = await connectSandbox(record, interruption.signal);
  const hasTerminal = flags.tty === true;
  const options = { env: flags.env, cwd: flags.workdir, user: flags.user, hasTerminal };
  const process_ = await Container.attach(client, record.name).exec(
    await execProcessOptions(record.rootfs, args, options),
  );
  using terminal = hasTerminal ? new RawTerminal() : undefined;
  await terminal?.follow(process_);
  interruption.forward(
    (signal) => void process_.signal(constants.signals[signal]).catch(() => undefined),
    SIGNAL_GRACE_MS,
  );
  const attachment = attachStreams(process_, { isInteractive: flags.interactive === true });
  const exited = attachment.copied.then(async ({ isPipeBroken }) => {
    if (!isPipeBroken) return await process_.wait();
    await process_.signal(SIGKILL);
    return EXIT_BROKEN_PIPE;
  });
  exited.catch(() => undefined);
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(interruption.signal.reason as Error);
    interruption.signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([exited, aborted]);
  } catch (error) {
    // Nobody will wait for it any more.
    if (interruption.signal.aborted) await process_.signal(SIGKILL).catch(() => undefined);
    throw error;
  } finally {
    interruption.signal.removeEventListener('abort', onAbort);
    attachment.detach();
  }
}

/** `kihon exec`: one more process in a running container. */
export function addExecCommand(program: Command, setExitCode: SetExitCode): void {
  program
    .command('exec')
    .summary('run a command in a running container')
    .description('Runs one more command in the container of a sandbox. The exit code is that of the command.')
    .argument('<name>', 'name of the sandbox')
    .argument('<command...>', 'program and arguments, after --')
    .option('-i, --interactive', 'pass standard input on')
    .option('-t, --tty', 'give the command a terminal')
    .option('-e, --env <K=V>', 'environment variable (repeatable)', collect)
    .option('-w, --workdir <dir>', 'working directory in the container')
    .option('-u, --user <user[:group]>', 'user in the container, name or number')
    .action(async (name: string, args: readonly string[], flags: ExecFlags) => {
      setExitCode(await execute(name, args, flags));
    });
}
