import { readText } from '../../sys/file.ts';
import { getcwd } from '../../sys/process.ts';
import { geteuid } from '../../sys/process.ts';
import type { Options } from './arguments.ts';
import { UsageError } from './arguments.ts';
import type { GlobalOptions } from './command.ts';
import { LogOutput } from './log-output.ts';
import type { LogFormat } from './log-line.ts';

/** An absolute path; relative ones count from where the command was called. */
export function absolutePath(path: string): string {
  return path.startsWith('/') ? path : `${getcwd()}/${path}`;
}

/** A variable of the environment. */
type Variable = (name: string) => string | undefined;

/**
 * Whether the session's directory is where state belongs: for every user but root, and for who is root only in a user namespace
 * (rootless podman; `$USER` tells that it is not meant to be root).
 */
function usesSessionDirectory(variable: Variable): boolean {
  if (geteuid() !== 0) return true;
  return variable('USER') !== 'root' && !/^\s*0\s+0\s+4294967295\s*$/.test(readText('/proc/self/uid_map'));
}

/** Root's state is in /run; everybody else's where the session keeps such things. */
export function defaultRoot(variable: Variable): string {
  const own = variable('XDG_RUNTIME_DIR') ?? '';
  return own !== '' && usesSessionDirectory(variable) ? `${own}/kihon-oci` : '/run/kihon-oci';
}

function logFormat(text: string | undefined): LogFormat {
  if (text === undefined || text === '' || text === 'text') return 'text';
  if (text === 'json') return 'json';
  throw new UsageError(`unknown log-format ${JSON.stringify(text)}`);
}

/** Where messages go. */
export function logOutputOf(options: Options): LogOutput {
  const file = options.text('log');
  const isFile = file !== undefined && file !== '';
  return new LogOutput(
    isFile ? absolutePath(file) : undefined,
    logFormat(options.text('log-format')),
    options.has('debug'),
  );
}

/** Reads the options before the command name. */
export function globalOptionsOf(options: Options, output: LogOutput, variable: Variable): GlobalOptions {
  const manager = options.has('systemd-cgroup') ? 'systemd' : (options.text('cgroup-manager') ?? 'cgroupfs');
  if (manager !== 'cgroupfs' && manager !== 'systemd' && manager !== 'disabled') {
    throw new UsageError(`--cgroup-manager: ${JSON.stringify(manager)} is none of cgroupfs, systemd, disabled`);
  }
  const root = options.text('root') ?? '';
  return {
    root: root === '' ? defaultRoot(variable) : absolutePath(root),
    log: output.logger(),
    cgroups: manager,
  };
}
