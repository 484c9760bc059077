import { execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { nodeArguments } from '../repository.ts';

const root = resolve(import.meta.dirname, '../../..');

/** `sanitize`: the C part with AddressSanitizer and UBSan, dynamic under glibc. */
export type EngineVariant = 'release' | 'sanitize';

export interface EngineRun {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly timeoutMs?: number;
  readonly variant?: EngineVariant;
}

const built = new Map<string, Promise<string>>();

/** Builds an ELF whose program is `script` (TypeScript for the engine, not for Node), once a run; gives its path. */
export function buildEngineProgram(script: string, variant: EngineVariant = 'release'): Promise<string> {
  const key = `${variant} ${script}`;
  const earlier = built.get(key);
  if (earlier !== undefined) return earlier;
  const program = build(script, variant);
  built.set(key, program);
  return program;
}

async function build(script: string, variant: EngineVariant): Promise<string> {
  const directory = join(root, 'build/test/engine');
  mkdirSync(directory, { recursive: true });
  const program = join(directory, `${basename(script, '.ts')}${variant === 'sanitize' ? '-sanitize' : ''}`);
  const flags = variant === 'sanitize' ? ['--sanitize'] : [];
  const args = nodeArguments('agent/build/build.ts', ...flags, '--entry', script, '--output', program);
  await promisify(execFile)(process.execPath, args);
  return program;
}

/** Builds a program that goes on from an image, as `kihon-oci` does; gives its path. */
export async function buildEngineImage(script: string): Promise<string> {
  const directory = join(root, 'build/test/engine', `${basename(script, '.ts')}-of-image`);
  mkdirSync(directory, { recursive: true });
  const output = join(directory, 'kihon-agent');
  const args = nodeArguments('agent/build/build.ts', '--entry', script, '--image', '--output', output);
  await promisify(execFile)(process.execPath, args);
  return join(directory, 'kihon-oci');
}

/** A report of a sanitizer must never look like an answer of the program, so it ends with a status of its own. */
const sanitizerEnvironment = { ASAN_OPTIONS: 'detect_leaks=0:exitcode=99', UBSAN_OPTIONS: 'print_stacktrace=1' };

/** Runs a command to its end with empty standard input. At the time limit it is killed, with all it started. */
export function runProgram(command: string, args: readonly string[], timeoutMs = 60_000): Promise<EngineRun> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...sanitizerEnvironment },
      detached: true,
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout.on('data', (chunk: Buffer) => output.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.stderr.push(chunk));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    child.on('error', fail);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      done({ status, signal, stdout: text(output.stdout), stderr: text(output.stderr) });
    });
  });
}

/**
 * Runs an engine program as root in a mount namespace of its own, with an empty `/run` and an empty `/tmp`, so that nothing
 * it mounts or makes outlives it.
 */
export async function runInEngine(script: string, options: RunOptions = {}): Promise<EngineRun> {
  const program = await buildEngineProgram(script, options.variant);
  const setUp =
    'mount --make-rprivate / && mount -t tmpfs t /run && mount -t tmpfs t /tmp && exec /proc/self/fd/9 "$@"';
  const shell = ['--mount', 'sh', '-c', `exec 9<"$0"; ${setUp}`, program, ...(options.args ?? [])];
  return await runProgram('unshare', shell, options.timeoutMs);
}
