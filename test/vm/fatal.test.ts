import { describe, expect, it, onTestFailed } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { failpointAgent } from '../support/repository.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const LOG_PORT = 1025;
/** The agent has 2 s; a guest without hardware help on a busy machine is given thirty times that. A hang takes for ever. */
const END_MS = 60_000;

describe('LIV-13: an error in a handler', () => {
  const fixture = useVm({
    agent: failpointAgent,
    hasWitness: true,
    kernelParameters: ['KIHON_FAILPOINTS=rpc.PauseContainer=throw,rpc.OnlineCPUMem=oom'],
  });

  it('that is thrown fails this one request', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
    for (let count = 0; count < 20; count++)
      await expectStatus(container.pause(), 'internal', 'failpoint rpc.PauseContainer');
    expect(await container.execute('echo untouched')).toMatchObject({ stdout: 'untouched\n', status: 0 });
  });

  it('that is the engine’s want of memory fails this one request, and the memory is free again', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
    for (let count = 0; count < 3; count++) {
      const bystanders = [fixture.client.check(), container.execute('echo untouched')] as const;
      await expectStatus(fixture.client.call('OnlineCPUMem', {}), ['internal', 'resource_exhausted']);
      expect((await bystanders[1]).stdout).toBe('untouched\n');
      await bystanders[0];
    }
    expect(await TestContainer.run(fixture.client, { root: fixture.root, run: 'echo next' })).toMatchObject({
      stdout: 'next\n',
    });
  });
});

describe('LIV-13: an error anywhere else', () => {
  it.each([
    ['an exception in the event loop', 'connection.ready=throw', 'failpoint connection.ready'],
    ['a promise that fails unseen', 'connection.ready=reject', 'failpoint connection.ready'],
    ['want of memory in the event loop', 'connection.ready=oom', /out of memory/],
    ['an abort of the engine', 'connection.ready=abort', 'engine abort'],
  ])('such as %s is said on console and log port, and powers the VM off', async (_, failpoint, words) => {
    await using vm = await TestVm.boot({
      agent: failpointAgent,
      kernelParameters: [`KIHON_FAILPOINTS=${failpoint}`, `agent.log_vport=${LOG_PORT}`],
    });
    onTestFailed(({ task }) => vm.showConsole(task.name));
    const log = await vm.dial(LOG_PORT);
    let text = '';
    const firstRecord = new Promise<void>((resolve) => {
      log.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        resolve();
      });
    });
    log.on('error', () => undefined);
    await firstRecord;
    const begin = performance.now();
    const client = await vm.connect();
    await client.check().catch(() => undefined);
    expect(await vm.ended(END_MS)).toEqual({ code: 0, signal: null });
    const took = performance.now() - begin;
    console.log(`${failpoint}: off after ${took.toFixed(0)} ms`);
    for (const [place, output] of [
      ['console', () => vm.console],
      ['log port', () => text],
    ] as const)
      // What was sent may still be on its way through this machine.
      await eventually(() => {
        expect(output(), place).toContain('fatal');
        if (typeof words === 'string') expect(output(), place).toContain(words);
        else expect(output(), place).toMatch(words);
      });
    // Power-off, not a panic and the reset after it.
    expect(vm.console).not.toContain('Kernel panic');
    log.destroy();
  });

  it('such as a bad setting is said on the console, and powers the VM off', async () => {
    const boot = TestVm.boot({ kernelParameters: ['agent.server_addr=nonsense'] });
    await expect(boot).rejects.toThrow(/nonsense/);
  });
});
