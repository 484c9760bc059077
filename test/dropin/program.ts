import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a program did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest time of one command: none of them does much. */
const deadlineMs = 30_000;

/** Runs a program to its end, whatever that is; one that hangs is killed and counts as code 124. */
export function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const options = { timeout: deadlineMs, killSignal: 'SIGKILL' as const, env: { ...process.env, ...env } };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : child.killed ? 124 : 125;
      resolve({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
    });
    child.stdin?.end();
  });
}

/** True when the programs can be found by PATH. */
export async function haveAll(programs: readonly string[]): Promise<boolean> {
  const found = await Promise.all(programs.map((name) => run(['sh', '-c', `command -v "$0"`, name])));
  return found.every(({ code }) => code === 0);
}

/** A daemon of this run alone, stopped by its process number. */
export class Daemon implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
  }

  /** Starts it and waits until `isReady`. Its messages go to the file `log`. */
  static async start(argv: readonly string[], log: string, isReady: () => Promise<boolean>): Promise<Daemon> {
    const [program = '', ...args] = argv;
    const file = openSync(log, 'w');
    const child = spawn(program, args, { stdio: ['ignore', file, file] });
    closeSync(file);
    const daemon = new Daemon(child, log);
    for (let tries = 0; tries < 100; tries++) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      if (await isReady()) return daemon;
      await sleep(200);
    }
    await daemon[Symbol.asyncDispose]();
    throw new Error(`${program} does not answer:\n${daemon.messages.split('\n').slice(-10).join('\n')}`);
  }

  get messages(): string {
    return readFileSync(this.#log, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const isOver = await Promise.race([ended.then(() => true), sleep(10_000).then(() => false)]);
    if (isOver) return;
    child.kill('SIGKILL');
    await ended;
  }
}
