import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { within } from '../support/eventually.ts';

describe('many at once', () => {
  const fixture = useAgent();

  it('20 containers live side by side, each with its own output, exec and exit code', async () => {
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const containers = await Promise.all(
      numbers.map((number) =>
        TestContainer.start(fixture.client, { root: fixture.root, run: `echo I am ${number}; read x; exit ${number}` }),
      ),
    );
    const execs = await Promise.all(containers.map((container, number) => container.execute(`echo exec in ${number}`)));
    expect(execs.map((exec) => exec.stdout)).toEqual(numbers.map((number) => `exec in ${number}\n`));
    await fixture.watched.alive();
    await Promise.all(containers.map((container) => container.write('\n')));
    const outcomes = await Promise.all(containers.map((container) => container.finish()));
    expect(outcomes).toEqual(numbers.map((number) => ({ stdout: `I am ${number}\n`, stderr: '', status: number })));
    await Promise.all(containers.map((container) => container.remove()));
  });

  it('20 containers are killed and removed at once', async () => {
    const containers = await Promise.all(
      Array.from({ length: 20 }, () =>
        TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600 & exec sleep 601' }),
      ),
    );
    const waits = containers.map((container) => container.wait());
    await Promise.all(containers.map((container) => container.killAll()));
    expect(new Set(await Promise.all(waits))).toEqual(new Set([137]));
    await Promise.all(containers.map((container) => container.remove()));
  });

  it('24 containers with a storage each are removed at once, and every storage with them', async () => {
    const mounts = (): string => readFileSync(`/proc/${fixture.agent.pid}/mountinfo`, 'utf8');
    const before = mounts();
    const containers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => {
        const mount_point = `/run/kata-containers/volume-${index}`;
        const storages = [{ driver: 'virtio-fs', source: 'volume', fstype: 'tmpfs', mount_point }];
        return TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600', request: { storages } });
      }),
    );
    expect(mounts()).toContain('/run/kata-containers/volume-23');
    await Promise.all(containers.map((container) => container.remove()));
    expect(mounts()).toBe(before);
  });

  it('100 containers come and go one after the other', async () => {
    for (let index = 0; index < 100; index++) {
      const outcome = await TestContainer.run(fixture.client, { root: fixture.root, run: ['true'] });
      expect(outcome).toEqual({ stdout: '', stderr: '', status: 0 });
    }
  });

  it('100 reads and waits without an answer do not delay the next call', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
    const blocked = Array.from({ length: 100 }, (_, index) =>
      index % 2 === 0 ? container.stdout() : container.wait(),
    );
    await fixture.watched.alive();
    expect((await container.execute('echo on')).stdout).toBe('on\n');
    await container.killAll();
    const ends = await within(20_000, 'the blocked calls', Promise.allSettled(blocked));
    expect(ends.filter((end) => end.status === 'fulfilled' && end.value === 137)).toHaveLength(50);
  });
});

describe('a deadline', () => {
  const fixture = useAgent();

  it('ends a call that waits, with the status that says so, and leaves the process alone', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
    const ids = { container_id: container.id, exec_id: '' };
    const { client } = fixture;
    // The client's own timer comes long after the agent's word, also where neither gets to run at once.
    const soon = { timeoutMs: 100, graceMs: 20_000 };
    const calls = [
      client.call('WaitProcess', ids, soon),
      client.call('ReadStdout', { ...ids, len: 10 }, soon),
      client.call('ReadStderr', { ...ids, len: 10 }, soon),
      client.call('GetOOMEvent', {}, soon),
      client.call('WriteStdin', { ...ids, data: Buffer.alloc(1 << 20) }, soon),
    ];
    for (const call of calls) {
      expect(await expectStatus(call, 'deadline_exceeded')).not.toContain('no answer in');
    }
    expect((await container.execute('kill -0 1')).status).toBe(0);
  });

  it('that is over before a create began leaves nothing', async () => {
    const { createRequest } = await import('../support/container/container-spec.ts');
    const request = createRequest('late', { root: fixture.root, run: 'true' });
    const outcome = fixture.client.call('CreateContainer', request, { timeoutMs: 0.001 }).then(
      () => 'created',
      () => 'refused',
    );
    if ((await outcome) === 'created') await TestContainer.attach(fixture.client, 'late').remove();
    expect((await TestContainer.run(fixture.client, { root: fixture.root, run: 'exit 5' }, 'late')).status).toBe(5);
  });

  it('of a removal is kept: the call ends, and the removal goes on or can be repeated', async () => {
    const container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
    await container.remove(30);
  });
});
