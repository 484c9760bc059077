import { CLONE_INTO_CGROUP, O_DIRECTORY, O_RDONLY, RLIMIT_NOFILE } from '../../abi/constants.ts';
import type { Logger } from '../../base/log.ts';
import { describeError } from '../../base/errors.ts';
import { encodeBytes } from '../../base/text.ts';
import { Fd } from '../../sys/fd.ts';
import { duplicateTo } from '../../sys/descriptor.ts';
import { mkdirAll, open, tryWrite } from '../../sys/file.ts';
import { chdir, clone3, closeRange, execve, exit, setRlimit, setsid, setSignalMask } from '../../sys/process.ts';
import type { Rlimit } from '../../sys/process.ts';
import { setControllingTerminal } from '../../sys/terminal.ts';

/** A shell finds out by this status that it could not be executed. */
const EXEC_FAILED = 127;

export interface ShellOptions {
  /** Its path, and argument 0. */
  readonly shell: string;
  readonly args: readonly string[];
  /** The guest's terminal for it. */
  readonly terminal: Fd;
  readonly env: readonly string[];
  /** Absolute path of the cgroup for it; made when it is missing. Undefined: the agent's own. */
  readonly cgroup: string | undefined;
  /** The limit of descriptors as it was before the agent raised its own. */
  readonly nofile: Rlimit;
  readonly log: Logger;
}

/** Starts a shell that leads a session of its own on `terminal`. Throws SysError; a failed execve is told on the terminal. */
export function startShell(options: ShellOptions): { readonly pid: number; readonly pidfd: Fd } {
  using group = openGroup(options);
  const child = clone3(group === undefined ? { flags: 0 } : { flags: CLONE_INTO_CGROUP, cgroup: group });
  if (child !== 'child') return child;
  // Nothing may unwind past here (engine-facts 2).
  try {
    setsid();
    for (const number of [0, 1, 2]) duplicateTo(options.terminal, number);
    closeRange(3, 0xffffffff);
    takeTerminal();
    setRlimit(RLIMIT_NOFILE, options.nofile);
    chdir('/');
    setSignalMask(0n);
    execve(options.shell, [options.shell, ...options.args], options.env);
  } catch (error) {
    tryWrite(new Fd(2, 'stderr'), encodeBytes(`kihon: ${describeError(error)}\r\n`));
  } finally {
    exit(EXEC_FAILED);
  }
}

/** As PID 1 the agent's own session may have the console; a shell without it has no job control, and works. */
function takeTerminal(): void {
  try {
    setControllingTerminal(new Fd(0, 'stdin'), true);
  } catch {
    // Not a terminal, or not to be had.
  }
}

/** The agent's own cgroup has memory that is kept for the agent; what an operator runs has no right to it. */
function openGroup({ cgroup, log }: ShellOptions): Fd | undefined {
  if (cgroup === undefined) return undefined;
  try {
    mkdirAll(cgroup);
    return open(cgroup, O_RDONLY | O_DIRECTORY);
  } catch (error) {
    log.warn('the shell runs in the cgroup of the agent', { error: describeError(error) });
    return undefined;
  }
}
