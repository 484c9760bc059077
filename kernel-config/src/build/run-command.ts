import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BuildFailure, BuildInterrupted } from './failure.ts';

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called for every line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
  /** Ends the command, and all it started, with SIGTERM. */
  readonly signal?: AbortSignal;
}

/** How many of the last lines a failure shows. */
const FAILURE_LINES = 25;

/**
 * Runs a command to its end in a process group of its own, so that an interruption reaches the compilers under
 * `make` too, and so that a ctrl-C in the terminal is handled once, here.
 *
 * @throws {BuildFailure} when it cannot be started or does not exit with 0; the message ends with its last lines.
 * @throws {BuildInterrupted} when `signal` ended it.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<void> {
  const { cwd, env, onLine, signal } = options;
  throwIfInterrupted(signal);
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    // A kernel's build reads messages of compilers: keep them in one language.
    env: { ...process.env, LC_ALL: 'C', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const endGroup = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // The group ended between the check and the signal.
    }
  };
  signal?.addEventListener('abort', endGroup, { once: true });
  const lastLines: string[] = [];
  const take = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > FAILURE_LINES) lastLines.shift();
    onLine?.(line);
  };
  createInterface({ input: child.stdout }).on('line', take);
  createInterface({ input: child.stderr }).on('line', take);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error) => {
        reject(new BuildFailure(`start ${command}: ${error.message}`, { cause: error }));
      });
      child.once('close', resolve);
    });
    throwIfInterrupted(signal);
    if (code !== 0) {
      throw new BuildFailure(`${[command, ...args].join(' ')} failed (${code ?? 'signal'}):\n${lastLines.join('\n')}`);
    }
  } finally {
    signal?.removeEventListener('abort', endGroup);
  }
}

/** Throws what interrupted the work, if anything did. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason instanceof Error ? signal.reason : new BuildInterrupted('SIGTERM');
}
