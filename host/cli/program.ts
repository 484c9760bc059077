import { Command } from 'commander';
import type { SetExitCode } from './command-context.ts';
import { addBuildCommand } from './commands/build.ts';
import { addCheckCommand } from './commands/check.ts';
import { addConsoleCommand } from './commands/console.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addExecCommand } from './commands/exec.ts';
import { addLogsCommand } from './commands/logs.ts';
import { addPsCommand } from './commands/ps.ts';
import { addRpcCommand } from './commands/rpc.ts';
import { addRunCommand } from './commands/run.ts';
import { addStopCommand } from './commands/stop.ts';

/** The command line of `kihon`. */
export function createProgram(version: string, setExitCode: SetExitCode): Command {
  const program = new Command('kihon')
    .description('Runs containers in lightweight VMs.')
    .version(version)
    .option('--json', 'print results as JSON')
    .showHelpAfterError('(kihon --help says more)')
    // What follows the root filesystem or the sandbox is the container's command, with options of its own.
    .enablePositionalOptions()
    .exitOverride();
  addRunCommand(program, setExitCode);
  addExecCommand(program, setExitCode);
  addPsCommand(program);
  addLogsCommand(program);
  addStopCommand(program);
  addConsoleCommand(program);
  addRpcCommand(program);
  addBuildCommand(program);
  addCheckCommand(program, setExitCode);
  addDemoCommand(program);
  return program;
}
