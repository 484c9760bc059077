import { CommanderError } from 'commander';
import { BuildError } from '../../rootfs-builder/src/build-error.ts';
import { RpcError } from '../client/rpc-error.ts';
import { EXIT_FAILURE } from '../sdk/exit-status.ts';
import { describeHostError, HostError } from '../vm/host-error.ts';
import { InterruptedError } from './interruption.ts';
import { createProgram } from './program.ts';
import { say } from './say.ts';
import { supervise } from './supervise.ts';
import { SUPERVISE_COMMAND } from './supervisor-protocol.ts';
import { VERSION } from './version.ts';

/** Runs one command line and returns the exit code. Expected failures are one line; anything else is a bug and shows its stack. */
async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  try {
    if (args[0] === SUPERVISE_COMMAND) return await supervise();
    const program = createProgram(VERSION, (code) => (exitCode = code));
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof InterruptedError) return error.exitCode;
    if (error instanceof BuildError) say(error.message);
    else if (error instanceof HostError || error instanceof RpcError) say(describeHostError(error));
    else if (error instanceof Error && 'syscall' in error) say(error.message);
    else console.error(error);
    return EXIT_FAILURE;
  }
}

// A reader that goes away ends us like any other program; what it did not read is its own business.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
// Everything is cleaned up by now; standard input may still be open and would keep the process alive.
void main(process.argv.slice(2)).then((code) => process.exit(code));
