import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createBusyboxRoot } from '../../rootfs-builder/src/busybox/create-busybox-root.ts';
import { atExit } from './at-exit.ts';

/** How a command went. */
export interface CommandOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

export interface CommandOptions {
  /** Given on standard input; else it is `/dev/null`. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Bounds a failing test: no command of the suites takes a tenth of it on a machine that is not held up. */
const COMMAND_MS = 60_000;

/** Where a runtime under test works: this machine or a guest. */
export interface Machine extends AsyncDisposable {
  readonly name: 'host' | 'vm';
  /** An empty folder there; other users can search it. Removed at the end. */
  readonly folder: string;
  /** A busybox root file system there that nobody changes. */
  readonly busybox: string;
  /** Runs a command to its end; processes it leaves behind may keep its streams open. */
  command(argv: readonly string[], options?: CommandOptions): Promise<CommandOutcome>;
  write(path: string, text: string, mode?: number): Promise<void>;
  read(path: string): Promise<string>;
}

/** Runs a script of the machine's shell; fails unless it succeeds. Gives its output without the last newline. */
export async function shell(machine: Machine, script: string): Promise<string> {
  const { stdout, stderr, status } = await machine.command(['sh', '-c', script]);
  if (status !== 0) throw new Error(`on the ${machine.name}: ${script}\nexit ${status}: ${stdout}${stderr}`);
  return stdout.trimEnd();
}

/** This machine. */
export class HostMachine implements Machine {
  readonly name = 'host';
  readonly folder: string;
  readonly busybox: string;
  readonly #leaveExit: () => void;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.busybox = join(folder, 'busybox');
    this.#leaveExit = atExit(() => rmSync(folder, { recursive: true, force: true }));
  }

  static async start(): Promise<HostMachine> {
    const folder = mkdtempSync(join(tmpdir(), 'kihon-oci-'));
    // A root that is mapped to another user walks through it.
    chmodSync(folder, 0o711);
    const machine = new HostMachine(folder);
    await createBusyboxRoot(machine.busybox);
    return machine;
  }

  async command(argv: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
    // Files and not pipes: what a container holds open must not keep a finished command from being finished.
    this.#count += 1;
    const streams = join(this.folder, `.streams-${this.#count}`);
    const [stdout, stderr, stdin] = [`${streams}-out`, `${streams}-err`, `${streams}-in`];
    if (options.input !== undefined) await writeFile(stdin, options.input);
    const files = [
      openSync(options.input === undefined ? '/dev/null' : stdin, 'r'),
      openSync(stdout, 'w'),
      openSync(stderr, 'w'),
    ];
    try {
      const status = await ended(argv, files, options);
      return { stdout: readFileSync(stdout, 'utf8'), stderr: readFileSync(stderr, 'utf8'), status };
    } finally {
      for (const file of files) closeSync(file);
      for (const path of [stdout, stderr, stdin]) rmSync(path, { force: true });
    }
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode });
  }

  async read(path: string): Promise<string> {
    return await readFile(path, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this.#leaveExit();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Exit status of a command; 128 + N when signal N ended it. */
function ended(argv: readonly string[], files: readonly number[], options: CommandOptions): Promise<number> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [...files],
      cwd: options.cwd ?? '/',
      env: { PATH: process.env['PATH'], ...options.env },
    });
    const limit = options.timeoutMs ?? COMMAND_MS;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${argv.join(' ')}: not within ${limit} ms`));
    }, limit);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15));
    });
  });
}
