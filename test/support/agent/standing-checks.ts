import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { eventually, within } from '../eventually.ts';
import { residue, settledBaseline, takeBaseline, type Baseline } from './baseline.ts';
import { isSanitized } from '../repository.ts';
import { Canary } from './canary.ts';
import { anonymousKib } from './kernel-view.ts';
import { startAgent, type AgentOptions, type AgentProcess } from './start-agent.ts';

/** Check C3: a health call takes less than this, in ms. The agent needs below 1; the rest is for a busy test machine. */
const ALIVE_MS = 1000;
/** How long the machine may keep the agent itself from running before C3 counts as broken: tries in a row. */
const ALIVE_TRIES = 3;
/** Check C4: memory may grow by this much, in KiB. */
const GROWTH_KIB = 8 << 10;
/** How long things may take to fall back, in ms. */
const SETTLE_MS = 60_000;

/**
 * An agent under attack, with the standing checks of the security cases (C1 to C4). A test attacks `agent`, and `verify` at its
 * end asserts what must hold after every case.
 */
export class Watched implements AsyncDisposable {
  readonly agent: AgentProcess;
  readonly client: AgentClient;
  readonly canary: Canary;
  #baseline: Baseline;
  #anonymousKib: number;

  private constructor(agent: AgentProcess, client: AgentClient, canary: Canary, baseline: Baseline) {
    this.agent = agent;
    this.client = client;
    this.canary = canary;
    this.#baseline = baseline;
    this.#anonymousKib = anonymousKib(agent.pid);
  }

  /** Starts an agent and takes its baseline. `settle` runs before that, for what the test needs from then on. */
  static async start(
    options: AgentOptions = {},
    settle: (client: AgentClient, agent: AgentProcess) => Promise<void> = async () => undefined,
  ): Promise<Watched> {
    const agent = await startAgent(options);
    try {
      const client = await agent.connect();
      await client.check();
      await settle(client, agent);
      const folder = join(agent.folder, 'canary');
      mkdirSync(folder);
      return new Watched(agent, client, new Canary(folder), await settledBaseline(agent));
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** From here on this is the state to come back to. */
  async rebase(): Promise<void> {
    this.#baseline = await settledBaseline(this.agent);
    this.#anonymousKib = anonymousKib(this.agent.pid);
  }

  /** C3: the old connection and a new one are answered in time. */
  async alive(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await within(ALIVE_MS, 'Check on the old connection', this.client.check());
        await within(ALIVE_MS, 'Check on a new connection', this.#checkOnNewConnection());
        return;
      } catch (error) {
        if (attempt === ALIVE_TRIES || this.agent.hasExited) throw this.#explained(error);
      }
    }
  }

  async #checkOnNewConnection(): Promise<void> {
    await using client = await this.agent.connect();
    await client.check();
  }

  /** C4, during an attack: memory has grown by less than `capKib`. */
  bounded(capKib = GROWTH_KIB): void {
    if (isSanitized) return;
    const growth = anonymousKib(this.agent.pid) - this.#anonymousKib;
    expect(growth, 'growth of anonymous memory in KiB').toBeLessThan(capKib);
  }

  /** C2: everything is as it was at the baseline, or comes to be so. */
  async settled(): Promise<void> {
    await eventually(() => expect(residue(this.#baseline, takeBaseline(this.agent))).toEqual([]), SETTLE_MS);
  }

  /** C1 to C4. What is closed or dies takes a moment, so each is waited for. */
  async verify(capKib = GROWTH_KIB): Promise<void> {
    await this.alive();
    expect(this.canary.changes()).toEqual([]);
    await this.settled();
    await eventually(() => this.bounded(capKib), SETTLE_MS);
  }

  #explained(error: unknown): Error {
    return new Error(`the agent does not answer; the end of its log:\n${this.agent.log.slice(-2000)}`, {
      cause: error,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
  }
}
