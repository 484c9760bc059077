import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BuildError, reasonOf } from '../build-error.ts';

/** How long a program may take to put things in order after SIGTERM. */
const GRACE_MS = 20_000;
/** Lines of standard error that are remembered. */
const KEPT_LINES = 50;

/** How to run a program whose output is wanted. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Told each line of standard error. */
  readonly onLine?: (line: string) => void;
  /** The line of standard error that tells best what went wrong; the last by default. */
  readonly explain?: (lines: readonly string[]) => string | undefined;
  /** Debian's package that brings it. */
  readonly debianPackage: string;
}

/**
 * Runs a program in a process group of its own and gives its standard output. When the reader stops early, `signal` aborts
 * or reading fails, the group is ended with SIGTERM first, so that the program can undo what it did, and waited for.
 * Throws BuildError when the program is missing or fails.
 */
export async function* programOutput(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): AsyncGenerator<Uint8Array> {
  const { signal, onLine, env } = options;
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a ctrl-C of the terminal is ours to pass on
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
  });
  const failed = once(child, 'error').then(([error]): never => {
    throw missingOr(program, options.debianPackage, error);
  });
  failed.catch(() => undefined);
  if (child.pid === undefined) await failed;
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  closed.catch(() => undefined);
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    onLine?.(line);
  });
  const sendGroup = (name: NodeJS.Signals): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // It ended between the check and the signal.
    }
  };
  const abort = (): void => sendGroup('SIGTERM');
  // A second interruption, or an exit for another reason, must not leave it behind.
  const onExit = (): void => sendGroup('SIGKILL');
  process.once('exit', onExit);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const [code, name] = await closed;
    signal?.throwIfAborted();
    if (code !== 0) {
      const said = options.explain?.(lines) ?? lines.at(-1) ?? '';
      throw new BuildError(`${program}: ended with ${name ?? `status ${code}`}${said === '' ? '' : `: ${said}`}`);
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    if (child.exitCode === null && child.signalCode === null) {
      child.stdout.resume(); // it must not wait for a reader while it tidies up
      sendGroup('SIGTERM');
      const timer = setTimeout(() => sendGroup('SIGKILL'), GRACE_MS);
      await closed.catch(() => undefined);
      clearTimeout(timer);
    }
    process.removeListener('exit', onExit);
  }
}

/** All output of a program as text. */
export async function programText(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of programOutput(program, args, options)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function missingOr(program: string, debianPackage: string, error: unknown): BuildError {
  return new BuildError(
    reasonOf(error) === 'ENOENT'
      ? `${program}: program not found; on Debian: apt-get install ${debianPackage}`
      : `${program}: ${reasonOf(error)}`,
    error,
  );
}
