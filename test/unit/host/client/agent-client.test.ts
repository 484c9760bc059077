import { describe, expect, test } from 'vitest';
import { AgentClient } from '../../../../host/client/agent-client.ts';
import { isRpcError, RpcError } from '../../../../host/client/rpc-error.ts';
import { duplexPair, InMemoryAgent } from '../in-memory-agent.ts';

describe('AgentClient', () => {
  test('calls a method and decodes the answer', async () => {
    const agent = new InMemoryAgent({ WaitProcess: () => ({ status: 7 }) });
    const answer = await agent.client.call('WaitProcess', { container_id: 'c1', exec_id: 'c1' });
    expect(answer.status).toBe(7);
    expect(agent.calls[0]?.request).toMatchObject({ container_id: 'c1', exec_id: 'c1' });
  });

  test('keeps many calls in flight and matches their answers', async () => {
    const agent = new InMemoryAgent({
      WriteStdin: async (request: { data: Uint8Array }) => {
        await new Promise((resolve) => setTimeout(resolve, request.data.length % 5));
        return { len: request.data.length };
      },
    });
    const sizes = Array.from({ length: 50 }, (_, index) => index * 1000);
    const answers = await Promise.all(
      sizes.map((size) => agent.client.call('WriteStdin', { container_id: 'c1', data: new Uint8Array(size) })),
    );
    expect(answers.map(({ len }) => len)).toEqual(sizes);
  });

  test("carries the agent's status as code, method and text", async () => {
    const agent = new InMemoryAgent({
      StartContainer: () => {
        throw Object.assign(new Error('mount proc on /proc: EPERM'), { code: 7 });
      },
    });
    const error = await agent.client.call('StartContainer', { container_id: 'c1' }).catch((thrown: unknown) => thrown);
    expect(isRpcError(error, 'permission_denied')).toBe(true);
    expect((error as RpcError).message).toBe('StartContainer: mount proc on /proc: EPERM');
  });

  test('makes one printable line of whatever text the agent sends', async () => {
    const agent = new InMemoryAgent({
      StartContainer: () => {
        throw new Error('first\n  second\u001b[31m');
      },
    });
    await expect(agent.client.call('StartContainer', {})).rejects.toThrow(/^StartContainer: first; second\[31m$/);
  });

  test('tells the agent the deadline and ends the call without an answer', async () => {
    const agent = new InMemoryAgent({ StartContainer: () => undefined });
    const error = await agent.client.call('StartContainer', {}, { timeoutMs: 20 }).catch((thrown: unknown) => thrown);
    expect(isRpcError(error, 'deadline_exceeded')).toBe(true);
    expect(agent.calls[0]?.call.deadlineMs).toBe(20);
  });

  test('waits without limit where a container may take its time', async () => {
    const agent = new InMemoryAgent({ WaitProcess: () => undefined });
    void agent.client.call('WaitProcess', {}).catch(() => undefined);
    await expect.poll(() => agent.calls.length).toBe(1);
    expect(agent.calls[0]?.call.deadlineMs).toBeUndefined();
    agent.client.close();
  });

  test('an abort ends the call with its reason and the connection goes on', async () => {
    const agent = new InMemoryAgent({ WaitProcess: () => undefined });
    const abort = new AbortController();
    const waiting = agent.client.call('WaitProcess', {}, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(agent.client.call('WaitProcess', {}, { signal: abort.signal })).rejects.toThrow('enough');
    await agent.client.check();
  });

  test('a lost connection fails all calls, also later ones', async () => {
    const agent = new InMemoryAgent({ WaitProcess: () => undefined });
    const waiting = agent.client.call('WaitProcess', {});
    await expect.poll(() => agent.calls.length).toBe(1);
    agent.serverStream.end();
    const error = await waiting.catch((thrown: unknown) => thrown);
    expect(isRpcError(error, 'unavailable')).toBe(true);
    expect(agent.client.isClosed).toBe(true);
    await expect(agent.client.call('WaitProcess', {})).rejects.toThrow(RpcError);
  });

  test.each([
    ['noise', Buffer.alloc(64, 0xff)],
    ['an answer that nobody asked for', Buffer.from('0000000200000063' + '0200' + '0a00', 'hex')],
    ['a data frame', Buffer.from('0000000000000001' + '0305', 'hex')],
  ])('a peer that sends %s loses the connection, and the caller gets an error', async (_name, bytes) => {
    const [mine, theirs] = duplexPair();
    theirs.on('error', () => undefined);
    const client = new AgentClient(mine);
    const waiting = client.call('WaitProcess', {});
    theirs.write(bytes);
    if (bytes[0] === 0xff) theirs.end();
    await expect(waiting).rejects.toThrow(RpcError);
    expect(client.isClosed).toBe(true);
  });

  test('refuses a request larger than a frame without sending it', async () => {
    const agent = new InMemoryAgent();
    await expect(agent.client.call('WriteStdin', { data: new Uint8Array(5 << 20) })).rejects.toThrow(RangeError);
    await agent.client.check();
    expect(agent.methods).toEqual(['Check']);
  });
});
