import { describe, expect, it } from 'vitest';
import { within } from '../support/eventually.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { ConsoleSession } from '../support/vm/console-session.ts';
import { privileged, runGuestProgram } from '../support/vm/run-program.ts';
import { useVm, type VmFixture } from '../support/vm/vm-fixture.ts';

const LOG_PORT = 1025;
const DEBUG_PORT = 1026;
const PORTS = [1024, LOG_PORT, DEBUG_PORT];
const parameters = [`agent.log_vport=${LOG_PORT}`, `agent.debug_console_vport=${DEBUG_PORT}`, 'agent.debug_console'];

/** One line of `programs/vsock-probe.c` for each target, by target. */
async function probe(fixture: VmFixture, targets: readonly string[]): Promise<Map<string, string>> {
  const outcome = await runGuestProgram(
    fixture.vm,
    fixture.client,
    'vsock-probe',
    targets,
    privileged('CAP_SYS_ADMIN', 'CAP_NET_ADMIN'),
  );
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  const lines = outcome.stdout.trim().split('\n');
  expect(lines.pop()).toBe('done');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}

const targets = ['1', 'own', 'all'].flatMap((cid) => PORTS.map((port) => `${cid}:${port}`));

/** The agent's log as the host reads it on the log port, up to a mark. */
async function readLog(fixture: VmFixture, mark: string): Promise<string> {
  const stream = await fixture.vm.dial(LOG_PORT);
  let text = '';
  try {
    const found = new Promise<string>((resolve, reject) => {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes(mark)) resolve(text);
      });
      stream.on('close', () => reject(new Error(`the log ended: ${text}`)));
    });
    return await within(30_000, `${mark} in the log`, found);
  } finally {
    stream.destroy();
  }
}

/** The debug console answers the host, so its port is really there. */
async function expectConsole(fixture: VmFixture): Promise<void> {
  using session = new ConsoleSession(await fixture.vm.dial(DEBUG_PORT));
  await session.until('kihon> ');
  expect(await session.ask('version')).toContain('agent 4.1.0');
}

describe('VMB-01: a container that connects over vsock as if it were the host', () => {
  describe.skipIf(findKernel('lean') === undefined)('on the lean kernel', () => {
    const fixture = useVm({ hasWitness: true, kernel: 'lean', kernelParameters: parameters });

    it('reaches nobody, because there is no loopback', async () => {
      const answers = await probe(fixture, targets);
      expect([...answers.keys()].sort()).toEqual([...targets].sort());
      for (const [target, answer] of answers) expect(answer, target).toMatch(/^refused /);
      expect(await fixture.vm.witness('zcat /proc/config.gz 2>/dev/null; true')).not.toContain('VSOCKETS_LOOPBACK=');
    });

    it('does not keep the host from its ports', async () => {
      await fixture.client.check();
      await expectConsole(fixture);
      expect(await readLog(fixture, 'CreateSandbox')).toContain('"msg"');
    });
  });

  describe.skipIf(findKernel('packaged') === undefined)('with the loopback transport loaded', () => {
    const fixture = useVm({
      hasWitness: true,
      kernel: 'packaged',
      extraModules: ['vsock_loopback'],
      kernelParameters: parameters,
    });

    it('is closed before a byte is exchanged', async () => {
      expect(await fixture.vm.witness('cat /proc/modules')).toContain('vsock_loopback');
      const answers = await probe(fixture, targets);
      expect([...answers.keys()].sort()).toEqual([...targets].sort());
      // API, log and debug console listen, so these connections are made; nothing comes back on them.
      for (const target of ['1:1024', `1:${DEBUG_PORT}`]) expect(answers.get(target), target).toMatch(/^accepted 0 /);
      for (const [target, answer] of answers) expect(answer, target).toMatch(/^(accepted 0 |refused )/);
    });

    it('is logged, and the host is served as before', async () => {
      expect(await readLog(fixture, 'not from the host')).toContain('connection refused');
      const [first, second] = await Promise.all([fixture.vm.connect(), fixture.vm.connect()]);
      await Promise.all([first.check(), second.check()]);
      await expectConsole(fixture);
      first.close();
      second.close();
    });

    it('cannot fill the backlog of the host', async () => {
      const many = Array.from({ length: 300 }, (_, index) => `1:${PORTS[index % PORTS.length]}`);
      await probe(fixture, many);
      await fixture.client.check();
      await expectConsole(fixture);
      expect(await readLog(fixture, '"msg"')).toContain('"level"');
    });
  });
});
