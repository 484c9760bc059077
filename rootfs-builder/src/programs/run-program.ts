import { spawn } from 'node:child_process';
import { BuildError, reasonOf } from '../build-error.ts';
import { installHint } from './packages.ts';

/** How a program is run. */
export interface RunOptions {
  /** Text for its standard input; closed at once when absent. */
  readonly input?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Statuses that are no failure; [0] by default. */
  readonly accept?: readonly number[];
  /** Where it runs; for programs that take no white space in paths. */
  readonly directory?: string;
  /** Added to the fixed environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a program said. */
export interface ProgramResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Distributions put mkfs and its like where an ordinary user's PATH does not look. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs a program and gives what it said. It sees a fixed locale and time zone and nothing else of the caller's
 * environment, so that its output does not depend on them. Throws BuildError naming the program and its last words when
 * it is missing or fails, and the signal's reason when that aborts.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const { signal, input, accept = [0] } = options;
  signal?.throwIfAborted();
  const env = {
    PATH: `${process.env.PATH ?? ''}:${SYSTEM_PATH}`,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    ...options.environment,
  };
  const where = options.directory === undefined ? {} : { cwd: options.directory };
  // In a process group of its own: a terminal's ctrl-C is ours to pass on, or its end would be taken for a failure.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env, detached: true, ...where });
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined); // it may end without reading; its status tells more
    child.stdin.end(input);
    const status = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killedBy) => resolve(code ?? killedBy ?? 'no status'));
    }).catch((error: unknown) => {
      throw new BuildError(
        reasonOf(error) === 'ENOENT'
          ? `${program}: program not found; ${installHint(program)}`
          : `${program}: ${reasonOf(error)}`,
        error,
      );
    });
    signal?.throwIfAborted();
    const stdout = Buffer.concat(out).toString('latin1');
    const stderr = Buffer.concat(err).toString('latin1');
    if (typeof status === 'string' || !accept.includes(status)) {
      const said = lastWords(stderr) ?? lastWords(stdout);
      const how = typeof status === 'string' ? status : `status ${status}`;
      throw new BuildError(`${program}: ended with ${how}${said === undefined ? '' : `: ${said}`}`);
    }
    return { status, stdout, stderr };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function lastWords(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1);
}
