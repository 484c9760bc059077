import { encodeBytes } from '../base/text.ts';
import { duplicate, duplicateTo } from './descriptor.ts';
import { Fd } from './fd.ts';
import { tryWrite } from './file.ts';
import { giveUpProtection } from './oom-score.ts';
import { chdir, closeRange, execve, exit, setSignalMask, setsid, umask } from './process.ts';

/** A program and what it is given. */
export interface Program {
  readonly path: string;
  /** Including argument 0. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Undefined: where we are. */
  readonly cwd?: string | undefined;
}

/** Exit code of a child that could not execute the program; the reason comes on its stderr. */
const EXEC_FAILED = 127;

/** What a child of ours does that is to be an external command: a session of its own, and nothing of ours but these three streams. */
export function executeCommand(program: Program, stdin: Fd, stdout: Fd, stderr: Fd): never {
  try {
    setsid();
    // One of the numbers that are about to be replaced may be its own.
    const [output, errors] = [aboveStandard(stdout), aboveStandard(stderr)];
    duplicateTo(stdin, 0);
    duplicateTo(output, 1);
    duplicateTo(errors, 2);
    closeRange(3, 0xffffffff);
    umask(0o022);
    giveUpProtection();
    if (program.cwd !== undefined) chdir(program.cwd);
    setSignalMask(0n);
    execve(program.path, program.argv, program.env);
  } catch (error) {
    tryWrite(new Fd(2, 'stderr'), encodeBytes(`${String(error)}\n`));
  } finally {
    exit(EXEC_FAILED);
  }
}

function aboveStandard(fd: Fd): Fd {
  return fd.number < 3 ? duplicate(fd, 3) : fd;
}
