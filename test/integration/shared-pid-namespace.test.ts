import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { startAgent } from '../support/agent/start-agent.ts';
import { createRequest } from '../support/container/container-spec.ts';
import { RootFilesystems } from '../support/container/root-filesystem.ts';
import { TestContainer } from '../support/container/test-container.ts';

describe('a sandbox whose containers share the pid namespace', () => {
  let roots: RootFilesystems;
  beforeAll(async () => {
    roots = await RootFilesystems.create();
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  const shared = { sandbox_pidns: true };

  it('puts later containers in that of the first, and refuses them when it is gone', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod' });
    const root = roots.shared;
    const look = 'readlink /proc/self/ns/pid; echo $$';
    const first = await TestContainer.start(client, { root, run: `${look}; sleep 600`, request: shared });
    const [namespace = '', pid] = (await first.readUntil('\n1\n')).split('\n');
    expect(namespace).toMatch(/^pid:\[\d+\]$/);
    expect(pid).toBe('1');

    const second = await TestContainer.start(client, { root, run: `${look}; sleep 600`, request: shared });
    const seen = (await second.readUntil(']\n')).split('\n');
    expect(seen[0]).toBe(namespace);
    expect((await first.execute('ps | grep -c "sleep 600"')).stdout.trim()).not.toBe('0');
    const alone = await TestContainer.run(client, { root, run: look });
    expect(alone.stdout).toMatch(/\n1\n$/);
    expect(alone.stdout).not.toContain(namespace);

    // Removing one that joined does not end the first.
    await second.remove();
    expect((await first.execute('exit 4')).status).toBe(4);
    await first.remove();
    const late = client.call('CreateContainer', createRequest('late', { root, request: shared }));
    await expectStatus(late, 'internal', 'sandbox_pidns', 'gone');
    expect((await TestContainer.run(client, { root, run: 'exit 6' }, 'late')).status).toBe(6);
    expect(await agent.stop()).toBe(143);
  });
});
