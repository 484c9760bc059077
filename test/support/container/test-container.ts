import type { Init } from '../../../agent/src/codec/protobuf/message-codec.ts';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { isRpcError } from '../../../host/client/rpc-error.ts';
import type { Process } from '../../../proto/gen/agent.js';
import { createRequest, processSpec, type ContainerOptions } from './container-spec.ts';

/** What Kata's host asks for in one read, in bytes. */
export const READ_LENGTH = 32_768;

/** How a process went: everything it wrote, and its status. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

let count = 0;

/** A fresh id of a container or an exec. */
export function freshId(prefix = 'c'): string {
  count += 1;
  return `${prefix}${process.pid}-${count}`;
}

/** Reads a stream to its end, as hosts do: an empty answer is the end. */
export async function* readStream(
  client: AgentClient,
  stream: 'ReadStdout' | 'ReadStderr',
  containerId: string,
  execId: string,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { data } = await client.call(stream, { container_id: containerId, exec_id: execId, len: READ_LENGTH });
    if (data.length === 0) return;
    yield data;
  }
}

/** A whole stream as text; for bytes that are not UTF-8 use `readStream`. */
export async function readText(
  client: AgentClient,
  stream: 'ReadStdout' | 'ReadStderr',
  containerId: string,
  execId: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readStream(client, stream, containerId, execId)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A process of a container seen from outside: what hosts do with one. */
export class TestProcess {
  readonly client: AgentClient;
  readonly containerId: string;
  readonly execId: string;

  constructor(client: AgentClient, containerId: string, execId: string) {
    this.client = client;
    this.containerId = containerId;
    this.execId = execId;
  }

  get #ids(): { container_id: string; exec_id: string } {
    return { container_id: this.containerId, exec_id: this.execId };
  }

  async wait(): Promise<number> {
    return (await this.client.call('WaitProcess', this.#ids)).status;
  }

  async signal(signal: number): Promise<void> {
    await this.client.call('SignalProcess', { ...this.#ids, signal });
  }

  async write(data: Uint8Array | string): Promise<number> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return (await this.client.call('WriteStdin', { ...this.#ids, data: bytes })).len;
  }

  async closeStdin(): Promise<void> {
    await this.client.call('CloseStdin', this.#ids);
  }

  async resize(row: number, column: number): Promise<void> {
    await this.client.call('TtyWinResize', { ...this.#ids, row, column });
  }

  async read(length = READ_LENGTH): Promise<string> {
    return Buffer.from((await this.client.call('ReadStdout', { ...this.#ids, len: length })).data).toString();
  }

  /** Reads standard output until `mark` has appeared and returns it all. */
  async readUntil(mark: string): Promise<string> {
    let text = '';
    while (!text.includes(mark)) {
      const more = await this.read();
      if (more === '') throw new Error(`end of output before ${JSON.stringify(mark)}; it was ${JSON.stringify(text)}`);
      text += more;
    }
    return text;
  }

  stdout(): Promise<string> {
    return readText(this.client, 'ReadStdout', this.containerId, this.execId);
  }

  stderr(): Promise<string> {
    return readText(this.client, 'ReadStderr', this.containerId, this.execId);
  }

  /** Both streams to their ends, then the status: the order that hosts keep. */
  async finish(): Promise<Outcome> {
    const [stdout, stderr] = await Promise.all([this.stdout(), this.stderr()]);
    return { stdout, stderr, status: await this.wait() };
  }
}

/** Containers that tests created and did not remove. */
const left = new Set<TestContainer>();

/** Removes what a failed test left, so that the next one starts clean. */
export async function removeLeftContainers(): Promise<void> {
  await Promise.all([...left].map((container) => container[Symbol.asyncDispose]().catch(() => undefined)));
  left.clear();
}

/** A container under test. */
export class TestContainer extends TestProcess implements AsyncDisposable {
  private constructor(client: AgentClient, id: string) {
    super(client, id, id);
    left.add(this);
  }

  /** An object for a container that exists. */
  static attach(client: AgentClient, id: string): TestContainer {
    return new TestContainer(client, id);
  }

  /** CreateContainer with a fresh id, or the given one. */
  static async create(client: AgentClient, options: ContainerOptions, id = freshId()): Promise<TestContainer> {
    await client.call('CreateContainer', createRequest(id, options));
    return new TestContainer(client, id);
  }

  /** Create and start. */
  static async start(client: AgentClient, options: ContainerOptions, id?: string): Promise<TestContainer> {
    const container = await TestContainer.create(client, options, id);
    await container.start();
    return container;
  }

  /** From creation to removal. */
  static async run(client: AgentClient, options: ContainerOptions, id?: string): Promise<Outcome> {
    const container = await TestContainer.start(client, options, id);
    try {
      return await container.finish();
    } finally {
      await container.remove();
    }
  }

  get id(): string {
    return this.containerId;
  }

  async start(): Promise<void> {
    await this.client.call('StartContainer', { container_id: this.id });
  }

  async remove(timeout = 0): Promise<void> {
    await this.client.call('RemoveContainer', { container_id: this.id, timeout });
    left.delete(this);
  }

  async pause(): Promise<void> {
    await this.client.call('PauseContainer', { container_id: this.id });
  }

  async resume(): Promise<void> {
    await this.client.call('ResumeContainer', { container_id: this.id });
  }

  async stats() {
    return (await this.client.call('StatsContainer', { container_id: this.id })).cgroup_stats;
  }

  /** SIGKILL to everything in it. */
  async killAll(): Promise<void> {
    await this.client.call('SignalProcess', { container_id: this.id, exec_id: '', signal: 9 });
  }

  /** ExecProcess. `run` is a script for the shell, or arguments. */
  async exec(
    run: string | readonly string[],
    options: { readonly terminal?: boolean; readonly process?: Init<Process>; readonly execId?: string } = {},
  ): Promise<TestProcess> {
    const execId = options.execId ?? freshId('e');
    await this.client.call('ExecProcess', {
      container_id: this.id,
      exec_id: execId,
      process: processSpec({ run, ...options }),
    });
    return new TestProcess(this.client, this.id, execId);
  }

  /** An exec from start to end. */
  async execute(run: string | readonly string[], options: { readonly process?: Init<Process> } = {}): Promise<Outcome> {
    return await (await this.exec(run, options)).finish();
  }

  /** Removes it if it is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.client.isClosed) return;
    try {
      await this.remove();
    } catch (error) {
      if (!isRpcError(error, 'not_found')) throw error;
    }
  }
}
