import type { Command } from 'commander';
import { collect, parseSeconds } from '../option-parsers.ts';
import { runDetached } from '../run-detached.ts';
import { runForeground } from '../run-foreground.ts';
import { addVmOptions, sandboxOptions, type RunFlags } from '../run-options.ts';
import type { SetExitCode } from '../command-context.ts';

const DEFAULT_COMMAND: readonly string[] = ['/bin/sh'];

/** `kihon run`: boots a VM and runs a container in it. */
export function addRunCommand(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command('run')
    .summary('boot a VM and run a command in a container in it')
    .description(
      'Boots a VM, shares ROOTFS with it, and runs a command (default /bin/sh) in a container on it.\n' +
        'The exit code is that of the command, 128 + n if signal n ended it, 124 if --timeout did,\n' +
        'and 1 if the VM or the container could not be started.',
    )
    .argument('<rootfs>', 'directory with a root filesystem; the container writes to it')
    .argument('[command...]', 'program and arguments, after --')
    .option('-d, --detach', 'run in the background and print the name')
    .option('-i, --interactive', 'pass standard input on')
    .option('-t, --tty', 'give the command a terminal')
    .option('--name <name>', 'name of the sandbox')
    .option('-e, --env <K=V>', 'environment variable (repeatable)', collect)
    .option('-w, --workdir <dir>', 'working directory in the container')
    .option('-u, --user <user[:group]>', 'user in the container, name or number')
    .option('-v, --volume <SRC:DST[:ro]>', 'host file or directory in the container (repeatable)', collect)
    .option('--read-only', 'no writing to the root filesystem')
    .option('--timeout <seconds>', 'kill the container after this time', parseSeconds);
  addVmOptions(command)
    .option('-q, --quiet', 'no word from kihon itself unless something fails')
    .action(async (rootfs: string, args: readonly string[], flags: RunFlags) => {
      const options = sandboxOptions(rootfs, args.length === 0 ? DEFAULT_COMMAND : args, flags);
      setExitCode(flags.detach === true ? await runDetached(options, flags) : await runForeground(options, flags));
    });
}
