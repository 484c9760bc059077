import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { createRequest, mount } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { within } from '../../support/eventually.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';

/** A caller's deadline, in ms, and how long its answer may take on a busy machine. */
const timeoutMs = 2000;
const ANSWER_MS = 20_000;
const LATE = ['deadline_exceeded', 'internal', 'cancelled'] as const;

describe.skipIf(!existsSync('/dev/fuse'))('LIV-09: a file system that never answers', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  /** An agent in whose mount namespace `dead` waits for ever. */
  async function start(): Promise<{ watched: Watched; dead: string }> {
    const dead = join(fixture.roots.folder, 'dead');
    mkdirSync(dead, { recursive: true });
    const program = await compileProgram('dead-mount');
    // The shell waits for the end of the program's output, and so for the mount.
    const prepare = `(${program} ${dead} 2>/dev/null &) | cat`;
    const watched = await Watched.start({ prepare }, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
      expect((await TestContainer.run(client, { root: fixture.root, run: 'exit 0' })).status).toBe(0);
    });
    return { watched, dead };
  }

  /** While `stuck` waits, everything else works; then it ends by its deadline. */
  async function othersGoOn(watched: Watched, stuck: Promise<unknown>): Promise<void> {
    const ended = expectStatus(within(ANSWER_MS, 'the stuck request', stuck), LATE);
    const { client } = watched;
    const { root } = fixture;
    await watched.alive();
    const other = await TestContainer.start(client, { root, run: 'sleep 600' });
    expect(await other.execute('echo fine')).toMatchObject({ stdout: 'fine\n' });
    await other.stats();
    await other.killAll();
    expect(await other.wait()).toBe(137);
    await other.remove();
    await ended;
    await watched.alive();
  }

  it.each([
    ['as root', (dead: string) => ({ root: `${dead}/rootfs` })],
    [
      'as a volume',
      (dead: string) => ({ root: fixture.root, mounts: [mount('/volume', `${dead}/volume`, 'bind', 'rbind')] }),
    ],
  ])('%s holds up its own create only, which ends at the deadline', async (_, options) => {
    const { watched, dead } = await start();
    await using agent = watched;
    const request = createRequest(freshId(), options(dead));
    await othersGoOn(agent, agent.client.call('CreateContainer', request, { timeoutMs }));
    await agent.verify();
    expect(await agent.agent.stop()).toBe(143);
  });

  it('in a container holds up no exec, no signal, no statistics and no removal of it', async () => {
    const { watched, dead } = await start();
    await using agent = watched;
    const { client } = agent;
    const root = await fixture.roots.copy();
    const container = await TestContainer.start(client, {
      root,
      run: 'ls /volumes/dead & sleep 600',
      // The folder around it: what is dead itself cannot be mounted anew.
      mounts: [mount('/volumes', dirname(dead), 'bind', 'rbind')],
    });
    const process = { ...createRequest('x', { root }).OCI?.Process, Cwd: '/volumes/dead/folder', Args: ['/bin/true'] };
    const exec = client.call('ExecProcess', { container_id: container.id, exec_id: 'stuck', process }, { timeoutMs });
    await othersGoOn(agent, exec);
    expect(await container.execute('echo inside')).toMatchObject({ stdout: 'inside\n' });
    await container.stats();
    await within(ANSWER_MS, 'the kill', container.killAll());
    expect(await within(ANSWER_MS, 'the end', container.wait())).toBe(137);
    await within(ANSWER_MS, 'the removal', container.remove());
    await agent.verify();
    expect(await agent.agent.stop()).toBe(143);
  });

  it('as the program of a container holds up its own create or start only', async () => {
    const { watched, dead } = await start();
    await using agent = watched;
    const { client } = agent;
    const mounts = [mount('/volumes', dirname(dead), 'bind', 'rbind')];
    const request = createRequest(freshId(), {
      root: await fixture.roots.copy(),
      mounts,
      run: ['/volumes/dead/program'],
    });
    await othersGoOn(agent, client.call('CreateContainer', request, { timeoutMs }));
    await agent.verify();
    expect(await agent.agent.stop()).toBe(143);
  });
});
