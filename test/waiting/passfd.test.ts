import { createHash, randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { processSpec } from '../support/container/container-spec.ts';
import { freshId, TestContainer, TestProcess } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { dialWithPort, type PortedConnection } from '../support/vm/dial-with-port.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const PASSFD_PORT = 1027;
const MIB = 1 << 20;
/** Connections that may wait to be named (agent/src/sandbox/passfd/passfd-listener.ts), and how long, in ms. */
const MAX_UNCLAIMED = 256;
const UNCLAIMED_MS = 60_000;

/** Everything until the guest closes its end. */
async function readAll({ socket }: PortedConnection): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const all = (async () => {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  })();
  return await within(60_000, 'the end of the stream', all);
}

async function readUntil({ socket }: PortedConnection, mark: string): Promise<string> {
  let text = '';
  const found = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      if (!text.includes(mark)) return;
      socket.off('data', read);
      resolve(text);
    };
    socket.on('data', read);
    socket.once('close', () => reject(new Error(`the stream ended: ${text}`)));
  });
  return await within(30_000, `${mark} in ${text}`, found);
}

describe('streams of processes on connections of the host (passfd)', { timeout: 120_000 }, () => {
  const fixture = useVm({
    hasWitness: true,
    kernelParameters: [`agent.passfd_listener_port=${PASSFD_PORT}`, 'agent.log=debug'],
  });

  const dial = () => dialWithPort(fixture.vm, PASSFD_PORT);
  const start = (run: string, ports: Readonly<Record<string, number>>, terminal = false) =>
    TestContainer.start(fixture.client, { root: fixture.root, run, terminal, request: ports });
  /** An exec whose standard output alone is a connection. */
  const execute = async (container: TestContainer, run: string) => {
    const stdout = await dial();
    const execId = freshId('e');
    await fixture.client.call('ExecProcess', {
      container_id: container.id,
      exec_id: execId,
      process: processSpec({ run }),
      stdout_port: stdout.port,
    });
    return { stdout, process: new TestProcess(fixture.client, container.id, execId) };
  };

  it('carry a mebibyte each way, and the exit comes when the output has ended', async () => {
    const [stdin, stdout, stderr] = await Promise.all([dial(), dial(), dial()]);
    await using container = await start('tee /dev/stderr', {
      stdin_port: stdin.port,
      stdout_port: stdout.port,
      stderr_port: stderr.port,
    });
    const data = randomBytes(MIB);
    const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    stdin.socket.end(data);
    const [out, errors] = await Promise.all([readAll(stdout), readAll(stderr)]);
    expect([sum(out), sum(errors)]).toEqual([sum(data), sum(data)]);
    expect(await container.wait()).toBe(0);
    stdin.socket.destroy();
  });

  it('hold the exit back while the host does not read, and nobody else', async () => {
    const stdout = await dial();
    await using container = await start(`dd if=/dev/zero bs=64k count=64 2>/dev/null`, { stdout_port: stdout.port });
    let hasExited = false;
    const exit = container.wait().then((status) => {
      hasExited = true;
      return status;
    });
    await using other = await start('echo free', {});
    expect(await other.finish()).toMatchObject({ stdout: 'free\n', status: 0 });
    expect(hasExited).toBe(false);
    expect(await readAll(stdout)).toHaveLength(64 * (64 << 10));
    expect(await exit).toBe(0);
  });

  it('serve a terminal: both ways on one pty, sizes included', async () => {
    const [stdin, stdout] = await Promise.all([dial(), dial()]);
    const ports = { stdin_port: stdin.port, stdout_port: stdout.port };
    await using container = await start('read line; echo "got $line"; stty size; read end', ports, true);
    await fixture.client.call('TtyWinResize', { container_id: container.id, exec_id: '', row: 33, column: 99 });
    stdin.socket.write('hello\n');
    expect(await readUntil(stdout, '33 99')).toContain('got hello\r\n');
    // The end of the connection is not the end of a terminal.
    stdin.socket.end();
    await expectStatus(container.write('more\n'), ['internal'], 'passfd');
    await container.killAll();
    expect(await container.wait()).toBe(137);
    stdout.socket.destroy();
  });

  it('are those of an exec as well, which other streams of it do not need', async () => {
    await using container = await start('sleep 600', {});
    const { stdout, process } = await execute(container, 'echo out; echo err >&2; exit 5');
    expect((await readAll(stdout)).toString()).toBe('out\n');
    expect(await process.stderr()).toBe('err\n');
    await expectStatus(process.stdout(), ['internal'], 'passfd');
    expect(await process.wait()).toBe(5);
  });

  it('that are named and are not there leave the stream to the API', async () => {
    await using container = await start('echo out; sleep 600', { stdout_port: 3 });
    expect(await container.readUntil('out')).toBe('out\n');
    await eventually(() => expect(fixture.vm.console).toContain('passfd: no such connection'));
  });

  it('end a writer whose reader has gone, and drain when a child outlives the process', async () => {
    const gone = await dial();
    await using writer = await start('sleep 1; yes', { stdout_port: gone.port });
    gone.socket.destroy();
    // SIGPIPE does not kill the first process of a pid namespace: it gets EPIPE.
    expect(await writer.wait()).not.toBe(0);
    await using container = await start('sleep 600', {});
    const { stdout, process } = await execute(container, 'sleep 300 & echo last');
    expect((await readAll(stdout)).toString()).toBe('last\n');
    expect(await process.wait()).toBe(0);
  });

  it('are closed when their request fails, and with their container', async () => {
    const [refused, removed] = await Promise.all([dial(), dial()]);
    const missing = { root: fixture.root, run: ['/not/there'], request: { stdout_port: refused.port } };
    await expectStatus(TestContainer.create(fixture.client, missing), ['internal'], '/not/there');
    expect(await readAll(refused)).toHaveLength(0);
    const container = await start('sleep 600', { stdout_port: removed.port });
    await container.remove();
    expect(await readAll(removed)).toHaveLength(0);
  });

  it('wait for their request in a crowd that is bounded, and not for ever', { timeout: 240_000 }, async () => {
    const ended: number[] = [];
    const dialed: { readonly socket: Duplex; readonly at: number }[] = [];
    const keep = (socket: Duplex): void => {
      const index = dialed.push({ socket, at: performance.now() }) - 1;
      socket.once('close', () => ended.push(index)).resume();
    };
    const seen = () => fixture.vm.console.split('"passfd: connection"').length;
    const isClaimed = await dial();
    const before = seen();
    keep((await dial()).socket);
    keep((await dial()).socket);
    // Named in time, it is nobody's oldest.
    await using container = await start('read line; echo "$line"', { stdin_port: isClaimed.port });
    while (dialed.length < MAX_UNCLAIMED + 1) keep(await fixture.vm.dial(PASSFD_PORT));
    await eventually(() => expect(seen() - before).toBe(dialed.length));
    const last = await dial();
    keep(last.socket);
    await eventually(() => expect(ended).toEqual([0, 1]));
    // One that came later than they did is served; there is room for no other before it.
    await using other = await start('echo served', { stdout_port: last.port });
    expect(await other.wait()).toBe(0);
    isClaimed.socket.write('claimed\n');
    expect(await container.read()).toBe('claimed\n');
    const youngest = dialed.at(-2)?.at ?? 0;
    await eventually(() => expect(ended).toHaveLength(dialed.length), UNCLAIMED_MS + 120_000);
    // The clocks of the guest and of this machine are not the same.
    expect(performance.now() - youngest).toBeGreaterThan(0.9 * UNCLAIMED_MS);
    expect(ended.slice(0, 2)).toEqual([0, 1]);
    isClaimed.socket.destroy();
  });
});
