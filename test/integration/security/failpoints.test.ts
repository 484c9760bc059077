import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RpcError } from '../../../host/client/rpc-error.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { childrenOf, openDescriptors } from '../../support/agent/kernel-view.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { AgentProcess } from '../../support/agent/start-agent.ts';
import { RootFilesystems } from '../../support/container/root-filesystem.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { amount } from '../../support/long.ts';
import { failpointAgent } from '../../support/repository.ts';

if (!existsSync(failpointAgent))
  console.warn(`skipped: no ${failpointAgent}; npx tsx agent/build/build.ts --failpoints makes it`);

/** A request that is carried out in a forked child. */
const OFFLOADED = {
  storages: [{ driver: 'ephemeral', source: 'x', fstype: 'tmpfs', mount_point: '/run/kata-containers/sandbox/x' }],
};

describe.skipIf(!existsSync(failpointAgent))('failures on purpose', () => {
  let roots: RootFilesystems;
  beforeAll(async () => {
    roots = await RootFilesystems.create();
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  const start = (failpoints: string): Promise<Watched> =>
    Watched.start({ elf: failpointAgent, env: { KIHON_FAILPOINTS: failpoints } }, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
    });

  /** Creates the folders that stay, with a container that fails, so that residue can be compared. */
  const settle = async (watched: Watched): Promise<void> => {
    await TestContainer.create(watched.client, { root: roots.shared, run: ['/bin/true'] })
      .then((container) => container.remove())
      .catch(() => undefined);
    await watched.client.call('UpdateEphemeralMounts', OFFLOADED).catch(() => undefined);
    await watched.rebase();
  };

  describe('ENG-06: in a forked child', () => {
    it.each(['offload.child=throw', 'offload.child=oom'])(
      '%s fails the request that forked, and nothing else',
      async (failpoint) => {
        await using watched = await start(failpoint);
        for (let round = 0; round < 5; round++)
          await expectStatus(watched.client.call('UpdateEphemeralMounts', OFFLOADED), [
            'internal',
            'resource_exhausted',
          ]);
        await watched.verify();
        expect(await watched.agent.stop()).toBe(143);
      },
    );

    it.each([
      ['spawn.child=throw', 'failpoint spawn.child'],
      ['init.start=throw', 'failpoint init.start'],
      ['init.ready=throw', 'failpoint init.ready'],
      ['init.start=oom', 'memory'],
    ])('%s fails the create with its reason and leaves nothing', async (failpoint, words) => {
      await using watched = await start(failpoint);
      await settle(watched);
      const id = freshId();
      for (let round = 0; round < 3; round++) {
        const create = TestContainer.create(watched.client, { root: roots.shared, run: 'true' }, id);
        await expectStatus(create, ['internal', 'resource_exhausted'], words);
      }
      await watched.verify();
      expect(await watched.agent.stop()).toBe(143);
    });

    it('init.execute=throw ends the process with a code, since there is nobody left to tell', async () => {
      await using watched = await start('init.execute=throw');
      await settle(watched);
      const container = await TestContainer.start(watched.client, { root: roots.shared, run: 'true' });
      expect(await container.wait()).not.toBe(0);
      await container.remove();
      await watched.verify();
      expect(await watched.agent.stop()).toBe(143);
    });

    it('a great number of children leave the parent as it was', async () => {
      await using watched = await start('');
      await settle(watched);
      let done = 0;
      const worker = async (): Promise<void> => {
        while (done < amount(300, 10_000)) {
          done += 1;
          await watched.client.call('UpdateEphemeralMounts', OFFLOADED);
        }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      await watched.verify();
      expect(await watched.agent.stop()).toBe(143);
    });

    it('is one of 16 at most: more work waits for room until its deadline, and nobody else does', async () => {
      const end = join(roots.folder, 'end-of-the-pause');
      await using watched = await start(`offload.child=pause:${end}`);
      const calls = Array.from({ length: 40 }, () =>
        watched.client.call('UpdateEphemeralMounts', OFFLOADED, { timeoutMs: 3000, graceMs: 20_000 }).then(
          () => 'ok',
          (error: unknown) => (error as RpcError).message,
        ),
      );
      await eventually(() => expect(childrenOf(watched.agent.pid)).toHaveLength(16));
      await watched.alive();
      for (const text of await Promise.all(calls)) expect(text).toMatch(/timeout|16/);
      expect(childrenOf(watched.agent.pid)).toHaveLength(16);
      await watched.alive();
      writeFileSync(end, '');
      await eventually(() => expect(childrenOf(watched.agent.pid)).toEqual([]));
      await eventually(() => expect(openDescriptors(watched.agent.pid)).not.toContain('anon_inode:[pidfd]'));
      await watched.alive();
      expect(await watched.agent.stop()).toBe(143);
    });
  });

  describe('ENG-08: an abort', () => {
    it('in an offloaded child ends the child alone', async () => {
      await using watched = await start('offload.child=abort');
      for (let round = 0; round < 3; round++)
        await expectStatus(watched.client.call('UpdateEphemeralMounts', OFFLOADED), 'internal', 'died');
      await watched.verify();
      expect(await watched.agent.stop()).toBe(143);
    });

    it.each(['spawn.child=abort', 'init.start=abort', 'init.ready=abort'])(
      'by %s fails the create, with a reason',
      async (failpoint) => {
        await using watched = await start(failpoint);
        await settle(watched);
        for (let round = 0; round < 3; round++) {
          const create = TestContainer.create(watched.client, { root: roots.shared, run: 'true' });
          await expectStatus(create, 'internal', /ended|died|before/);
        }
        await watched.verify();
        expect(await watched.agent.stop()).toBe(143);
      },
    );

    it('before execve ends the container, which says with which signal', async () => {
      await using watched = await start('init.execute=abort');
      await settle(watched);
      const container = await TestContainer.start(watched.client, { root: roots.shared, run: 'true' });
      // The first process of a pid namespace is killed by no signal of its own; then it goes on or leaves by itself.
      expect(await container.wait()).toBeGreaterThanOrEqual(0);
      await container.remove();
      await watched.verify();
      expect(await watched.agent.stop()).toBe(143);
    });
  });

  describe('LIV-13: a failure of the agent itself', () => {
    it.each(['throw', 'oom'])('in a handler (%s) is one failed request', async (action) => {
      await using watched = await start(`rpc.GetGuestDetails=${action}`);
      for (let round = 0; round < 3; round++) {
        const call = watched.client.call('GetGuestDetails', {});
        await expectStatus(call, action === 'oom' ? 'resource_exhausted' : 'internal');
        await watched.alive();
      }
      await settle(watched);
      expect((await TestContainer.run(watched.client, { root: roots.shared, run: 'exit 3' })).status).toBe(3);
      await watched.verify(64 << 10);
      expect(await watched.agent.stop()).toBe(143);
    });

    it.each([
      ['in the loop', 'server.accept=throw'],
      ['in a promise that nobody holds', 'server.accept=reject'],
      ['of memory in the loop', 'server.accept=oom'],
      ['of the engine', 'server.accept=abort'],
    ])('%s is fatal: it says so and ends', async (_, failpoint) => {
      await using agent = new AgentProcess({ elf: failpointAgent, env: { KIHON_FAILPOINTS: failpoint } });
      // The socket is there a moment before anybody listens on it; and the connection that ends the agent may end in an error.
      await eventually(async () => {
        if (!agent.hasExited) (await agent.dial()).destroy();
      });
      expect(await agent.exit()).not.toBe(0);
      if (!failpoint.endsWith('abort')) expect(agent.log).toMatch(/failpoint server\.accept|memory/);
    });
  });
});
