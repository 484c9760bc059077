import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { Canary } from '../agent/canary.ts';
import { TestContainer } from '../container/test-container.ts';
import { eventually, within } from '../eventually.ts';
import type { TestVm } from './test-vm.ts';
import { difference, HOLDINGS_SCRIPT } from './vm-holdings.ts';

/** Check C3 on a guest without hardware help, whose machine is busy with other things, too: ms, and tries in a row. */
const ALIVE_MS = 1000;
const ALIVE_TRIES = 5;
/** Check C4: anonymous memory of the agent may grow by this much, in KiB. */
const GROWTH_KIB = 8 << 10;
/** How long things may take to fall back, in ms. */
const SETTLE_MS = 60_000;
/** Each look is a process of the slow guest. */
const LOOK_PAUSE_MS = 200;

/** The standing checks of the security cases on an agent that is PID 1, seen through the VM's witness. */
export class VmStandingChecks {
  readonly canary: Canary;
  readonly #vm: TestVm;
  readonly #client: AgentClient;
  #baseline: readonly string[] = [];
  #anonymousKib = 0;

  private constructor(vm: TestVm, client: AgentClient) {
    this.#vm = vm;
    this.#client = client;
    const folder = join(vm.share, 'canary');
    mkdirSync(folder);
    this.canary = new Canary(folder);
  }

  /** Takes the baseline, after a first container: it makes folders that stay, such as the parent of all cgroups. */
  static async start(vm: TestVm, client: AgentClient): Promise<VmStandingChecks> {
    expect(await TestContainer.run(client, { root: vm.root, run: 'exit 0' })).toMatchObject({ status: 0 });
    const checks = new VmStandingChecks(vm, client);
    await checks.rebase();
    return checks;
  }

  /** From here on this is the state to come back to. */
  async rebase(): Promise<void> {
    let last = await this.#look();
    await eventually(async () => {
      await sleep(LOOK_PAUSE_MS);
      const before = last;
      last = await this.#look();
      expect(last.lines).toEqual(before.lines);
    }, SETTLE_MS);
    this.#baseline = last.lines;
    this.#anonymousKib = last.anonymousKib;
  }

  /** C3: the old connection and a new one are answered in time. */
  async alive(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await within(ALIVE_MS, 'Check on the old connection', this.#client.check());
        // Not timed: it takes the host's vsock device a moment to connect.
        const fresh = await this.#vm.connect();
        await within(ALIVE_MS, 'Check on a new connection', fresh.check());
        fresh.close();
        return;
      } catch (error) {
        if (attempt === ALIVE_TRIES) throw error;
      }
    }
  }

  /** C1 to C4. What is closed or dies takes a moment, so each is waited for. */
  async verify(): Promise<void> {
    await this.alive();
    expect(this.canary.changes()).toEqual([]);
    let isFirst = true;
    await eventually(async () => {
      if (!isFirst) await sleep(LOOK_PAUSE_MS);
      isFirst = false;
      const { lines, anonymousKib } = await this.#look();
      expect(difference(this.#baseline, lines)).toEqual([]);
      expect(anonymousKib - this.#anonymousKib, 'growth of anonymous memory in KiB').toBeLessThan(GROWTH_KIB);
    }, SETTLE_MS);
  }

  async #look(): Promise<{ lines: readonly string[]; anonymousKib: number }> {
    const lines = (await this.#vm.witness(HOLDINGS_SCRIPT)).split('\n');
    const memory = lines.find((line) => line.startsWith('RssAnon'));
    return {
      lines: lines.filter((line) => line !== memory && line !== ''),
      anonymousKib: Number(memory?.replace(/\D+/g, ' ').trim()),
    };
  }
}
