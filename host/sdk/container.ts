import { randomUUID } from 'node:crypto';
import type { AgentClient } from '../client/agent-client.ts';
import { isRpcError } from '../client/rpc-error.ts';
import { ContainerProcess } from './container-process.ts';
import { containerSpec, processSpec, type ContainerOptions, type ProcessOptions } from './container-spec.ts';

const SIGKILL = 9;

/** A container in a running sandbox. */
export class Container {
  readonly id: string;
  /** The first process. Its streams may be used after `start`. */
  readonly initProcess: ContainerProcess;
  readonly #client: AgentClient;

  private constructor(client: AgentClient, id: string, hasTerminal: boolean) {
    this.#client = client;
    this.id = id;
    this.initProcess = new ContainerProcess(client, { containerId: id, execId: id }, hasTerminal);
  }

  /** Creates it; its first process waits for `start`. @throws RpcError with the agent's reason */
  static async create(client: AgentClient, options: ContainerOptions, signal?: AbortSignal): Promise<Container> {
    const request = { container_id: options.containerId, exec_id: options.containerId, OCI: containerSpec(options) };
    await client.call('CreateContainer', request, signal === undefined ? {} : { signal });
    return new Container(client, options.containerId, options.hasTerminal);
  }

  /** One that another process made: for exec, signals and statistics. */
  static attach(client: AgentClient, id: string): Container {
    return new Container(client, id, false);
  }

  async start(): Promise<void> {
    await this.#client.call('StartContainer', { container_id: this.id });
  }

  /** Starts one more process. @throws RpcError */
  async exec(options: ProcessOptions): Promise<ContainerProcess> {
    const execId = randomUUID();
    const request = { container_id: this.id, exec_id: execId, process: processSpec(options) };
    await this.#client.call('ExecProcess', request);
    return new ContainerProcess(this.#client, { containerId: this.id, execId }, options.hasTerminal);
  }

  /** Kills every process of the container at once. */
  async kill(): Promise<void> {
    await this.#client.call('SignalProcess', { container_id: this.id, exec_id: '', signal: SIGKILL });
  }

  /** Removes it, running or not. One that is gone already is no error. */
  async remove(): Promise<void> {
    try {
      await this.#client.call('RemoveContainer', { container_id: this.id });
    } catch (error) {
      if (!isRpcError(error, 'not_found')) throw error;
    }
  }
}
