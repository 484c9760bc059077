import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../repository.ts';

let program: string | undefined;

function compile(): string {
  if (program !== undefined) return program;
  const folder = join(repository, 'build/test/rootfs');
  mkdirSync(folder, { recursive: true });
  program = join(folder, 'swap-names');
  const source = join(repository, 'test/support/rootfs/programs/swap-names.c');
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source]);
  return program;
}

/** A process that exchanges two names of a folder (renameat2 RENAME_EXCHANGE) until it is disposed of, or has done it `count` times. */
export class NameSwapper implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
  }

  static async start(folder: string, one: string, other: string, count = 20_000_000): Promise<NameSwapper> {
    const child = spawn(compile(), [folder, one, other, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const swapper = new NameSwapper(child);
    await once(child.stdout, 'data');
    return swapper;
  }

  /** False when it ended by itself, which a test should not outlive. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}
