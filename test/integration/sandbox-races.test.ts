import { describe, expect, it } from 'vitest';
import { isRpcError } from '../../host/client/rpc-error.ts';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { startAgent } from '../support/agent/start-agent.ts';
import { createRequest } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { amount } from '../support/long.ts';

const POLLS = 40;

describe('calls that meet in the sandbox', () => {
  const fixture = useAgent();

  it('CreateSandbox again, while containers are being created that join its namespaces', async () => {
    const { client, root } = fixture;
    for (let round = 0; round < amount(5, 50); round++) {
      const work = [0, 1, 2].flatMap((index) => [
        TestContainer.run(client, { root, run: `hostname; exit ${index}` }),
        client.call('CreateSandbox', { sandbox_id: 'pod', hostname: `name${round}` }),
      ]);
      const ends = await Promise.all(work);
      const statuses = ends.flatMap((end) => ('status' in end ? [end.status] : []));
      expect(statuses).toEqual([0, 1, 2]);
    }
    const { stdout } = await TestContainer.run(client, { root, run: 'hostname' });
    expect(stdout).toMatch(/^name\d+\n$/);
    await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname' });
  });

  it('a container that joins the pid namespace of the first, while the first is removed', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname' });
    const { root } = fixture;
    const shared = { sandbox_pidns: true };
    const first = await TestContainer.start(client, { root, request: shared });
    const [created] = await Promise.all([
      TestContainer.create(client, { root, request: shared }).then(
        () => 'ok',
        (error: unknown) => (isRpcError(error) ? `${error.code}: ${error.detail}` : String(error)),
      ),
      first.remove(),
    ]);
    // Refused in words about the namespace, or made in time.
    expect(created).toMatch(/^ok$|pid namespace|the first container is gone|before|ended|died/);
    expect(created).not.toContain('is closed');
    expect(await agent.stop()).toBe(143);
  });

  it('every question about a container that is being removed is answered, or it is not found', async () => {
    const { client, root } = fixture;
    const storage = { driver: 'virtio-fs', source: 'volume', fstype: 'tmpfs' };
    const answers = new Set<string>();
    for (let round = 0; round < amount(5, 50); round++) {
      const id = freshId();
      const storages = [{ ...storage, mount_point: `/run/kata-containers/${id}/volume` }];
      const container = await TestContainer.start(client, { root, request: { storages } }, id);
      const removal = container.remove();
      const asked = Array.from({ length: POLLS }, async (_, index) => {
        for (let turn = 0; turn < index; turn++) await client.check();
        return await Promise.all(
          (['StatsContainer', 'PauseContainer', 'UpdateContainer', 'StartContainer'] as const).map((method) =>
            client.call(method, { container_id: id }).then(
              () => 'ok',
              (error: unknown) => (isRpcError(error) ? `${method} ${error.code}: ${error.detail}` : String(error)),
            ),
          ),
        );
      });
      for (const answer of (await Promise.all(asked)).flat()) answers.add(answer.replaceAll(id, 'ID'));
      await removal;
    }
    for (const answer of answers) {
      expect(answer).not.toMatch(/is closed|EBADF|ENODEV/);
      expect(answer).toMatch(/^ok$|not_found|only a|cannot|is stopped|stopped container|ended before/);
    }
  });

  it('a create with the id of one that is being removed finds nothing of it, or is refused', async () => {
    const { client, root } = fixture;
    for (let round = 0; round < amount(10, 100); round++) {
      const id = freshId();
      const place = `/run/kata-containers/${id}/volume`;
      const storages = [{ driver: 'virtio-fs', source: 'volume', fstype: 'tmpfs', mount_point: place }];
      const request = createRequest(id, { root, request: { storages } });
      await client.call('CreateContainer', request);
      const container = TestContainer.attach(client, id);
      const removal = container.remove();
      for (;;) {
        const outcome = await client.call('CreateContainer', request).then(
          () => 'ok',
          (error: unknown) => (isRpcError(error) ? error.code : String(error)),
        );
        expect(['ok', 'already_exists']).toContain(outcome);
        if (outcome === 'ok') break;
      }
      await removal;
      await container.remove();
    }
  });

  it('DestroySandbox, while CreateSandbox mounts: nothing of it stays', async () => {
    for (let round = 0; round < amount(3, 20); round++) {
      await using agent = await startAgent();
      const client = await agent.connect();
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
      const storages = Array.from({ length: 6 }, (_, index) => ({
        driver: 'ephemeral',
        source: 'tmpfs',
        fstype: 'tmpfs',
        mount_point: `/run/kata-containers/sandbox/ephemeral/v${index}`,
      }));
      const outcomes = await Promise.allSettled([
        client.call('CreateSandbox', { sandbox_id: 'pod', storages }),
        client.call('DestroySandbox', {}),
      ]);
      expect(outcomes[1].status).toBe('fulfilled');
      expect(await agent.exit()).toBe(0);
    }
  });
});
