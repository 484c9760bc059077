import { O_NOCTTY, O_NONBLOCK, O_RDWR } from '../../abi/constants.ts';
import { AbortController } from '../../base/abort.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { CGROUP_ROOT } from '../../guest/boot/boot-plan.ts';
import { INIT_PATH } from '../../guest/boot/boot-as-init.ts';
import { ConsolePort, type ConsoleProgram } from '../../guest/console/console-port.ts';
import { findShell } from '../../guest/console/find-shell.ts';
import { startShell } from '../../guest/console/start-shell.ts';
import { LogTail } from '../../guest/log/log-tail.ts';
import { limitRate } from '../../guest/log/rate-limit.ts';
import { SIGKILL } from '../../abi/constants.ts';
import type { Fd } from '../../sys/fd.ts';
import { setNonBlocking } from '../../sys/descriptor.ts';
import { exists, open } from '../../sys/file.ts';
import { pidfdSignal } from '../../sys/process.ts';
import type { DebugConsoleParts } from './debug-console-parts.ts';

/** Where shells of the console run, beside the agent's group and those of containers. */
const CONSOLE_CGROUP = `${CGROUP_ROOT}/kihon-console`;
const CONSOLE = '/dev/console';

/**
 * The operator's console (boot contract, section 4): the image's shell, or the agent's own inspector where there is none; on a vsock port,
 * or once on the console of the VM. A console that cannot be had costs only the console.
 */
export function startDebugConsole(parts: DebugConsoleParts): void {
  const log = parts.log.child('debug-console');
  const { debugConsoleVport: port } = parts.config;
  const shell = findShell(exists);
  const env = shellEnvironment(parts.environment);
  const tail = new LogTail();
  parts.log.setTail(tail);
  const launch = (terminal: Fd, args: readonly string[]): ConsoleProgram =>
    shell === undefined ? inspect(parts, log, tail, terminal) : runShell(parts, log, { shell, args, terminal, env });
  try {
    if (port !== 0) {
      const limited = limitRate(log, () => parts.loop.now());
      new ConsolePort({ loop: parts.loop, log: limited, port, start: (slave) => launch(slave, []) });
    } else {
      // Not for the loop to wait on: its modes are the shell's.
      launch(open(CONSOLE, O_RDWR | O_NOCTTY | (shell === undefined ? O_NONBLOCK : 0)), ['-i']);
    }
    log.info('debug console', { port, program: shell ?? 'inspector' });
  } catch (error) {
    log.error('debug console', { port, error: describeError(error) });
  }
}

function shellEnvironment(own: Readonly<Record<string, string>>): string[] {
  const values = { HOME: '/', TERM: 'linux', ...own, PATH: own['PATH'] ?? INIT_PATH };
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}

/** A shell on `terminal`, which is closed here. */
function runShell(
  { reaper, isPid1, nofile }: DebugConsoleParts,
  log: Logger,
  options: {
    readonly shell: string;
    readonly args: readonly string[];
    readonly terminal: Fd;
    readonly env: readonly string[];
  },
): ConsoleProgram {
  const child = startShell({ ...options, cgroup: isPid1 ? CONSOLE_CGROUP : undefined, nofile, log });
  options.terminal.close();
  reaper.onExit(child.pid, (status) => {
    child.pidfd.close();
    log.info('shell ended', status.kind === 'exited' ? { status: status.code } : { signal: status.signal });
  });
  return {
    kill: () => {
      if (child.pidfd.isOpen) pidfdSignal(child.pidfd, SIGKILL);
    },
  };
}

/** The inspector on `terminal`, which is closed in the end. */
function inspect(parts: DebugConsoleParts, log: Logger, tail: LogTail, terminal: Fd): ConsoleProgram {
  const abort = new AbortController();
  setNonBlocking(terminal, true);
  import('./inspector-services.ts')
    .then(({ runInspectorOn }) => runInspectorOn(parts, tail, terminal, abort.signal))
    .catch((error: unknown) => {
      if (!abort.signal.aborted) log.warn('inspector ended', { error: describeError(error) });
    })
    .finally(() => terminal.close());
  return { kill: () => abort.abort() };
}
