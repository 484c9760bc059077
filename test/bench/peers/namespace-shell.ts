import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Runs each line of its input and answers with the status. */
const LOOP = 'while IFS= read -r line; do eval "$line" >/dev/null </dev/null; echo $?; done';

/**
 * A shell that waits inside the mount namespace of another process. A command line costs one fork more than the command
 * itself, much less than entering the namespace each time.
 */
export class NamespaceShell implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  #errors = '';

  constructor(pid: number) {
    const command = [`--mount=/proc/${pid}/ns/mnt`, 'sh', '-c', LOOP];
    this.#child = spawn('nsenter', command, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
    this.#child.stderr.on(
      'data',
      (chunk: Buffer) => (this.#errors = `${this.#errors}${chunk.toString()}`.slice(-4096)),
    );
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** @throws Error with what it said when the command fails */
  async run(line: string): Promise<void> {
    this.#errors = '';
    this.#child.stdin.write(`${line}\n`);
    const answer = await this.#answers.next();
    const status: unknown = answer.value;
    if (status !== '0') throw new Error(`${line}: status ${String(status ?? 'none')}: ${this.#errors.trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    await ended;
  }
}
