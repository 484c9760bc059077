import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { RootFilesystems } from '../../support/container/root-filesystem.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import { withUserNamespace } from '../../support/oci-bundle.ts';
import { exitOf, useRuntime } from '../../support/oci.ts';
import { failpointAgent } from '../../support/repository.ts';

/** What the child of a create is about when it dies, in the order of its work. */
const createSteps = [
  ...['spawn.child', 'init.start', 'init.session-keyring', 'init.cgroup-namespace', 'init.join-namespace'],
  ...['init.propagation', 'init.attach-root', 'init.mount', 'init.devices', 'init.device-links', 'init.terminal'],
  ...['init.pivot-root', 'init.masked-paths', 'init.readonly-paths', 'init.session', 'init.user', 'init.capabilities'],
  'init.ready',
];

describe('a child of the agent that is killed', () => {
  let roots: RootFilesystems;
  beforeAll(async () => {
    roots = await RootFilesystems.create();
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  const start = (failpoints: string): Promise<Watched> =>
    Watched.start({ elf: failpointAgent, env: { KIHON_FAILPOINTS: failpoints } }, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
      // Folders that stay are made by the first, however it ends.
      await TestContainer.create(client, { root: roots.shared, run: ['/bin/true'], terminal: true })
        .then((container) => container.remove())
        .catch(() => undefined);
    });

  it.each(createSteps)('at %s fails the create, leaves nothing, and the id is free', async (step) => {
    await using watched = await start(`${step}=kill`);
    const id = freshId();
    let failed = 0;
    for (let round = 0; round < 3; round++) {
      const options = { root: roots.shared, run: ['/bin/true'], terminal: true };
      await TestContainer.create(watched.client, options, id).then(
        // A step that this container does not have.
        (container) => container.remove(),
        (error: unknown) => {
          expect(String(error)).toMatch(/ended|died|without saying/);
          failed += 1;
        },
      );
    }
    expect([0, 3]).toContain(failed);
    if (['spawn.child', 'init.start', 'init.mount', 'init.terminal', 'init.pivot-root', 'init.ready'].includes(step))
      expect(failed).toBe(3);
    await watched.verify();
    expect(await watched.agent.stop()).toBe(143);
  });

  it('at the execution of its program is a container that ended so', async () => {
    await using watched = await start('init.execute=kill');
    const container = await TestContainer.start(watched.client, { root: roots.shared, run: 'true' });
    expect(await container.wait()).toBe(137);
    await container.remove();
    await watched.verify();
    expect(await watched.agent.stop()).toBe(143);
  });

  it('in an exec fails the exec, and the container goes on', async () => {
    await using watched = await start('init.enter-root=kill');
    const container = await TestContainer.start(watched.client, { root: roots.shared, run: 'read x; exit 7' });
    for (let round = 0; round < 3; round++)
      await expectStatus(container.execute('true'), 'internal', /ended|died|without saying/);
    await container.write('\n');
    expect(await container.wait()).toBe(7);
    await container.remove();
    await watched.verify();
    expect(await watched.agent.stop()).toBe(143);
  });
});

describe('kihon-oci killed at any moment', { timeout: 120_000 }, () => {
  const runtime = useRuntime();

  /** Ends a command before it ends by itself, after ever different parts of its time. */
  async function interrupt(args: readonly string[], afterMs: number): Promise<void> {
    const child = runtime().spawn(args, 'ignore');
    const ended = exitOf(child);
    await Promise.race([sleep(afterMs), ended]);
    child.kill('SIGKILL');
    await ended;
  }

  it.each([
    ['create', false],
    ['create', true],
    ['run', false],
  ] as const)('%s (user namespace: %s) leaves what delete --force cleans', async (command, isMapped) => {
    for (let round = 0; round < amount(12, 100); round++) {
      const container = await runtime().prepare('sleep 100', (config) => {
        if (isMapped) withUserNamespace(config, 500_000);
      });
      await interrupt([command, '--bundle', container.bundle.path, container.id], 2 + (round % 12));
      await runtime().succeed(['delete', '--force', container.id]);
      expect(runtime().stateDirectories).toEqual([]);
    }
    await runtime().verify();
  });

  it('start, exec, pause, kill and delete leave a container that delete --force cleans', async () => {
    for (let round = 0; round < amount(10, 100); round++) {
      const container = await runtime().create('sleep 100');
      await interrupt(['start', container.id], round % 5);
      await interrupt(['exec', container.id, '/bin/sleep', '1'], 2 + (round % 9));
      await interrupt(['pause', container.id], round % 6);
      await interrupt(['kill', container.id, 'TERM'], round % 4);
      await interrupt(['delete', '--force', container.id], 1 + (round % 7));
      await runtime().succeed(['delete', '--force', container.id]);
      expect(runtime().stateDirectories).toEqual([]);
    }
    await runtime().verify();
  });
});
