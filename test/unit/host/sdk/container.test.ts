import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { collectOutput } from '../../../../host/sdk/collect-output.ts';
import { Container } from '../../../../host/sdk/container.ts';
import { openSandbox } from '../../../../host/sdk/sandbox-session.ts';
import { InMemoryAgent, type FakeHandler } from '../in-memory-agent.ts';

const options = {
  containerId: 'box-1',
  hostname: 'box-1',
  args: ['/bin/sh'],
  env: [],
  cwd: '/',
  user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
  hasTerminal: false,
  volumes: [],
  isReadOnly: false,
};

/** Hands out the pieces one by one, then ends. */
function output(...pieces: string[]): FakeHandler {
  const left = [...pieces];
  return () => ({ data: Buffer.from(left.shift() ?? '') });
}

describe('a sandbox is opened with the calls of Kata', () => {
  test('Check, CreateSandbox with the share and shm, GetGuestDetails', async () => {
    const agent = new InMemoryAgent({
      GetGuestDetails: () => ({ agent_details: { version: '4.1.0', storage_handlers: ['virtio-fs'] } }),
    });
    const guest = await openSandbox(agent.client, { sandboxId: 'box-1', hostname: 'box-1', hasShare: true });
    expect(guest).toEqual({ agentVersion: '4.1.0', storageHandlers: ['virtio-fs'] });
    expect(agent.methods).toEqual(['Check', 'CreateSandbox', 'GetGuestDetails']);
    expect(agent.calls[1]?.request).toMatchObject({
      sandbox_id: 'box-1',
      storages: [
        { driver: 'virtio-fs', source: 'kataShared', fstype: 'virtiofs' },
        { driver: 'ephemeral', fstype: 'tmpfs', mount_point: '/run/kata-containers/sandbox/shm' },
      ],
    });
  });
});

describe('Container', () => {
  test('runs a first process: both streams to their ends, then its exit code', async () => {
    const agent = new InMemoryAgent({
      ReadStdout: output('out', 'put'),
      ReadStderr: output('err'),
      WaitProcess: () => ({ status: 7 }),
    });
    const container = await Container.create(agent.client, options);
    await container.start();
    const process_ = container.initProcess;
    process_.stdin.end();
    const [stdout, stderr, exitCode] = await Promise.all([
      buffer(process_.stdout),
      process_.stderr === undefined ? Buffer.alloc(0) : buffer(process_.stderr),
      process_.wait(),
    ]);
    expect([stdout.toString(), stderr.toString(), exitCode]).toEqual(['output', 'err', 7]);
    expect(agent.methods.slice(0, 2)).toEqual(['CreateContainer', 'StartContainer']);
    // The answer to WaitProcess discards unread output, so it must not be asked before the streams have ended.
    expect(agent.methods.at(-1)).toBe('WaitProcess');
  });

  test('asks for output only while somebody reads', async () => {
    const agent = new InMemoryAgent({ ReadStdout: () => ({ data: Buffer.alloc(32768) }) });
    const container = await Container.create(agent.client, options);
    container.initProcess.stdout.once('readable', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(agent.methods.filter((method) => method === 'ReadStdout').length).toBeLessThanOrEqual(4);
    agent.client.close();
  });

  test('input goes in order and in pieces, with the end after it; a partial write is continued', async () => {
    const received: Buffer[] = [];
    const agent = new InMemoryAgent({
      WriteStdin: ({ data }: { data: Uint8Array }) => {
        const taken = Math.min(data.length, 5000);
        received.push(Buffer.from(data.subarray(0, taken)));
        return { len: taken };
      },
    });
    const { stdin } = (await Container.create(agent.client, options)).initProcess;
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    await new Promise<void>((resolve) => stdin.end(bytes, resolve));
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    expect(agent.methods.at(-1)).toBe('CloseStdin');
  });

  test('a terminal has one output stream and a size', async () => {
    const agent = new InMemoryAgent();
    const container = await Container.create(agent.client, { ...options, hasTerminal: true });
    expect(container.initProcess.stderr).toBeUndefined();
    await container.initProcess.resize({ rows: 24, columns: 80 });
    expect(agent.calls.at(-1)?.request).toMatchObject({ row: 24, column: 80, exec_id: 'box-1' });
  });

  test('removing one that is gone is no error, any other refusal is', async () => {
    let code = 5;
    const agent = new InMemoryAgent({
      RemoveContainer: () => {
        throw Object.assign(new Error('no'), { code });
      },
    });
    const container = Container.attach(agent.client, 'box-1');
    await container.remove();
    code = 13;
    await expect(container.remove()).rejects.toThrow('RemoveContainer: no');
  });

  test('each exec has an id of its own', async () => {
    const agent = new InMemoryAgent();
    const container = Container.attach(agent.client, 'box-1');
    const processOptions = { ...options, args: ['true'] };
    const [one, two] = [await container.exec(processOptions), await container.exec(processOptions)];
    expect(one.address.execId).not.toBe(two.address.execId);
  });
});

describe('collectOutput', () => {
  async function start(handlers: Readonly<Record<string, FakeHandler>>) {
    const agent = new InMemoryAgent(handlers);
    return { agent, process_: await Container.attach(agent.client, 'box-1').exec({ ...options, args: ['x'] }) };
  }

  test('gives exit code and output, and passes the input', async () => {
    let input = '';
    const { process_ } = await start({
      ReadStdout: output('hello'),
      ReadStderr: output(),
      WaitProcess: () => ({ status: 0 }),
      WriteStdin: ({ data }: { data: Uint8Array }) => {
        input += Buffer.from(data).toString();
        return { len: data.length };
      },
    });
    const result = await collectOutput(process_, { input: 'abc' });
    expect([result.exitCode, result.stdout.toString(), input]).toEqual([0, 'hello', 'abc']);
  });

  /** A process that runs until it is killed. */
  function endless(): Readonly<Record<string, FakeHandler>> {
    let kill: () => void = () => undefined;
    const killed = new Promise<void>((resolve) => (kill = resolve));
    return {
      ReadStdout: () => killed.then(() => ({ data: new Uint8Array(0) })),
      ReadStderr: () => killed.then(() => ({ data: new Uint8Array(0) })),
      WaitProcess: () => killed.then(() => ({ status: 137 })),
      SignalProcess: ({ signal }: { signal: number }) => {
        if (signal === 9) kill();
        return {};
      },
    };
  }

  test('kills what takes too long and says so', async () => {
    const { process_, agent } = await start(endless());
    await expect(collectOutput(process_, { timeoutMs: 20 })).rejects.toThrow('longer than 20 ms');
    expect(agent.methods).toContain('SignalProcess');
  });

  test('kills what is aborted and throws the reason', async () => {
    const { process_ } = await start(endless());
    const abort = new AbortController();
    const collecting = collectOutput(process_, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(collecting).rejects.toThrow('enough');
  });

  test('kills what writes too much', async () => {
    let isKilled = false;
    const { process_ } = await start({
      ReadStdout: () => ({ data: Buffer.alloc(isKilled ? 0 : 1000) }),
      ReadStderr: output(),
      WaitProcess: () => ({ status: 137 }),
      SignalProcess: () => {
        isKilled = true;
        return {};
      },
    });
    await expect(collectOutput(process_, { maxOutputBytes: 2500 })).rejects.toThrow('more than 2500 bytes');
  });
});
