import { spawn, type ChildProcess } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { compileProgram } from '../../support/vm/compile-program.ts';
import { eventually, within } from '../../support/eventually.ts';
import type { Machine } from '../../support/oci-machine.ts';

/** Longest wait for what is sent, in ms; bounds a failing test. */
const RECEIVE_MS = 20_000;

/**
 * Takes one message with descriptors from a Unix socket, as the callers of a runtime do: a console's master, or a seccomp listener.
 * Its output is the message, a line per descriptor with what it is, and what a terminal among them shows.
 */
export class DescriptorReceiver implements AsyncDisposable {
  readonly socket: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  private constructor(socket: string, child: ChildProcess) {
    this.socket = socket;
    this.#child = child;
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    this.#ended = new Promise((resolve) => child.on('close', () => resolve(text)));
  }

  /** Listens in a folder of this machine. */
  static async start(machine: Machine, folder: string): Promise<DescriptorReceiver> {
    const program = join(folder, 'receive-descriptors');
    await copyFile(await compileProgram('receive-descriptors'), program);
    const socket = join(folder, 'socket');
    const child = spawn(program, [socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    await eventually(async () => expect((await machine.command(['test', '-S', socket])).status).toBe(0));
    return new DescriptorReceiver(socket, child);
  }

  /** All it received, once the other sides have closed. */
  async output(): Promise<string> {
    return await within(RECEIVE_MS, 'the end of what is sent over the socket', this.#ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
