import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { eventually, within } from '../support/eventually.ts';
import { TestVm } from '../support/vm/test-vm.ts';

const PORT = 1025;
const PARAMETERS = [`agent.log_vport=${PORT}`];
/** Long enough for a slow guest, and no part of what is promised. */
const DEADLINE_MS = 40_000;
/** Requests under way together. */
const AT_ONCE = 16;

/** A host that reads the log. */
class LogClient implements Disposable {
  readonly stream: Duplex;
  #text = '';

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => (this.#text += chunk.toString('utf8')));
    stream.on('error', () => undefined);
  }

  /** Whole lines, as Kata's log parser reads them: JSON of strings only. */
  get records(): Record<string, string>[] {
    return this.#text
      .slice(0, this.#text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const record = JSON.parse(line) as Record<string, unknown>;
        for (const [key, value] of Object.entries(record)) expect(typeof value, key).toBe('string');
        return record as Record<string, string>;
      });
  }

  async until(what: string, accept: (record: Record<string, string>) => boolean): Promise<void> {
    await eventually(() => {
      if (!this.records.some(accept)) throw new Error(`no ${what} in the log: ${this.#text.slice(-300)}`);
    }, DEADLINE_MS);
  }

  [Symbol.dispose](): void {
    this.stream.destroy();
  }
}

const says = (text: string) => (record: Record<string, string>) => JSON.stringify(record).includes(text);

/** A request that fails, and is logged with its name. */
async function mark(client: AgentClient, name: string): Promise<void> {
  await expect(
    within(DEADLINE_MS, 'a request', client.call('StartContainer', { container_id: name })),
  ).rejects.toThrow();
}

describe('the log port', { timeout: 240_000 }, () => {
  it('keeps what was logged while nobody listened, and serves one host after the other', async () => {
    await using vm = await TestVm.boot({ kernelParameters: PARAMETERS });
    const client = await vm.connect();
    await mark(client, 'before-anybody');
    expect(vm.console).not.toContain('before-anybody');
    {
      using first = new LogClient(await vm.dial(PORT));
      await first.until('the first record', says('"announce"'));
      await first.until('what was before', says('before-anybody'));
      const [record] = first.records;
      expect(record).toMatchObject({ name: 'kata-agent', source: 'agent', version: '0.1.0', pid: '1' });
      expect(record?.['ts']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
      // One at a time: the next one waits until this one leaves.
      using second = new LogClient(await vm.dial(PORT));
      await mark(client, 'for-the-first');
      await first.until('a record', says('for-the-first'));
      expect(second.records).toEqual([]);
      first[Symbol.dispose]();
      await eventually(async () => {
        await mark(client, 'for-the-second');
        expect(second.records.some(says('for-the-second'))).toBe(true);
      }, DEADLINE_MS);
      expect(second.records.some(says('"announce"'))).toBe(false);
    }
    await mark(client, 'between');
    using last = new LogClient(await vm.dial(PORT));
    await eventually(async () => {
      await mark(client, 'at-last');
      expect(last.records.some(says('at-last'))).toBe(true);
    }, DEADLINE_MS);
    await vm.powerOff();
    expect(vm.console).not.toContain('"msg"');
  });

  it('does not make the agent wait for a host that does not read, and says what it lost', async () => {
    await using vm = await TestVm.boot({ kernelParameters: PARAMETERS });
    const client = await vm.connect();
    using slow = new LogClient(await vm.dial(PORT));
    await slow.until('the first record', says('"announce"'));
    slow.stream.pause();
    // About 2 MB of records: more than the ring and every buffer on the way.
    const filler = 'x'.repeat(3500);
    for (let done = 0; done < 640; done += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => mark(client, `${filler}-${done + index}`)));
    await within(20_000, 'an answer', client.check());
    slow.stream.resume();
    await slow.until('the loss', says('log records were dropped'));
    await mark(client, 'the-last-word');
    await slow.until('the newest record', says('the-last-word'));
    const lost = slow.records.find(says('log records were dropped'));
    expect(lost).toMatchObject({ level: 'ERRO' });
    expect(Number(lost?.['count'])).toBeGreaterThan(0);
    await vm.powerOff();
  });
});
