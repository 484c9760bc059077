import { finished } from 'node:stream/promises';
import type { Readable, Writable } from 'node:stream';
import type { AgentClient } from '../client/agent-client.ts';
import { inputStream, outputStream, type ProcessAddress } from './container-streams.ts';

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** A process in a container: its streams, its end, its signals. */
export class ContainerProcess {
  readonly address: ProcessAddress;
  readonly hasTerminal: boolean;
  /** Ending it closes the process's standard input. */
  readonly stdin: Writable;
  /** Must be read (or `resume()`d) to its end before `wait` can return. */
  readonly stdout: Readable;
  /** Undefined with a terminal, where both streams are one. */
  readonly stderr: Readable | undefined;
  readonly #client: AgentClient;
  #exitCode: Promise<number> | undefined;

  constructor(client: AgentClient, address: ProcessAddress, hasTerminal: boolean) {
    this.#client = client;
    this.address = address;
    this.hasTerminal = hasTerminal;
    this.stdin = inputStream(client, address);
    // A process that ends before it has read everything is no error; whoever writes sees it in their own callback.
    this.stdin.on('error', () => undefined);
    this.stdout = outputStream(client, address, 'ReadStdout');
    this.stderr = hasTerminal ? undefined : outputStream(client, address, 'ReadStderr');
  }

  /**
   * The exit code, or 128 + signal number. Asks the agent only after both output streams have ended, because the answer
   * discards what has not been read (contract of the lifecycle, section 5.2). Any number of callers get the same answer.
   *
   * @throws RpcError when the agent or the connection fails
   */
  wait(): Promise<number> {
    this.#exitCode ??= this.#wait();
    return this.#exitCode;
  }

  async #wait(): Promise<number> {
    const streams = [this.stdout, this.stderr].filter((stream) => stream !== undefined);
    // A stream that broke says nothing about the process.
    await Promise.allSettled(streams.map((stream) => finished(stream)));
    const { status } = await this.#client.call('WaitProcess', this.#ids());
    this.stdin.destroy();
    return status;
  }

  /** Sends a signal to this process. @throws RpcError */
  async signal(signal: number): Promise<void> {
    await this.#client.call('SignalProcess', { ...this.#ids(), signal });
  }

  /** Tells the terminal its size. @throws RpcError */
  async resize(size: WindowSize): Promise<void> {
    await this.#client.call('TtyWinResize', { ...this.#ids(), row: size.rows, column: size.columns });
  }

  #ids(): { container_id: string; exec_id: string } {
    return { container_id: this.address.containerId, exec_id: this.address.execId };
  }
}
