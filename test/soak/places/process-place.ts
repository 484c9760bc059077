import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { takeBaseline } from '../../support/agent/baseline.ts';
import { anonymousKib, childrenOf, openDescriptors, residentKib } from '../../support/agent/kernel-view.ts';
import { startAgent, type AgentProcess } from '../../support/agent/start-agent.ts';
import { RootFilesystems } from '../../support/container/root-filesystem.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';
import { ephemeralStorage, warmUp } from './settle.ts';
import { LOG_TAIL, SANDBOX_ID, type Place, type Vitals } from './place.ts';

/** 128 + SIGTERM. */
const TERMINATED = 143;

/** The agent as a process of this machine, with mount, network and cgroup namespaces of its own. */
export class ProcessPlace implements Place {
  readonly kind = 'process';
  readonly agent: AgentProcess;
  readonly #roots: RootFilesystems;
  #steady: AgentClient | undefined;

  private constructor(agent: AgentProcess, roots: RootFilesystems) {
    this.agent = agent;
    this.#roots = roots;
  }

  static async start(): Promise<ProcessPlace> {
    const roots = await RootFilesystems.create();
    copyFileSync(await compileProgram('make-zombies'), join(roots.shared, 'bin/make-zombies'));
    const place = new ProcessPlace(await startAgent({ hasNetworkNamespace: true }), roots);
    try {
      const client = await place.connect();
      await client.call('CreateSandbox', { sandbox_id: SANDBOX_ID, hostname: 'soak', storages: [ephemeralStorage] });
      await warmUp(client, place.root);
      place.#steady = client;
      return place;
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
  }

  get root(): string {
    return this.#roots.shared;
  }

  get logTail(): string {
    return this.agent.log.slice(-LOG_TAIL);
  }

  connect(): Promise<AgentClient> {
    return this.agent.connect();
  }

  async vitals(): Promise<Vitals> {
    await Promise.resolve();
    const { pid } = this.agent;
    return {
      residentKib: residentKib(pid),
      anonymousKib: anonymousKib(pid),
      descriptors: openDescriptors(pid).length,
      zombies: childrenOf(pid).filter(({ state }) => state === 'Z').length,
    };
  }

  async holdings(): Promise<readonly string[]> {
    // Once it answers, it has seen what ended before.
    await this.#steady?.check();
    return Object.entries(takeBaseline(this.agent)).flatMap(([kind, lines]) =>
      (lines as readonly string[]).map((line) => `${kind}: ${line}`),
    );
  }

  script(): Promise<string> {
    return Promise.reject(new Error('scripts run in a VM only'));
  }

  async end(): Promise<void> {
    const status = await this.agent.stop();
    if (status !== TERMINATED) throw new Error(`the agent ended with ${status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.#roots[Symbol.asyncDispose]();
  }
}
