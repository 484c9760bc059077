import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupsBelow, childrenOf } from '../support/agent/kernel-view.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { startAgent } from '../support/agent/start-agent.ts';
import { RootFilesystems } from '../support/container/root-filesystem.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { within } from '../support/eventually.ts';

describe('the end of the agent as a plain process', () => {
  let roots: RootFilesystems;
  beforeAll(async () => {
    roots = await RootFilesystems.create();
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  const storages = [
    {
      driver: 'ephemeral',
      source: 'shm',
      fstype: 'tmpfs',
      options: ['size=1048576'],
      mount_point: '/run/kata-containers/sandbox/shm',
    },
  ];

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('on %s destroys the containers, unmounts, and exits with %i', async (signal, status) => {
    await using agent = await startAgent();
    // Keeps the agent's mount namespace alive, to look at afterwards.
    const namespace = `/proc/${agent.pid}/root`;
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod', storages });
    expect(readFileSync(`/proc/${agent.pid}/mounts`, 'utf8')).toContain('/run/kata-containers/sandbox/shm');
    const containers = await Promise.all(
      ['sleep 600', 'sleep 601 & trap "" TERM; sleep 602', 'exit 0'].map((run) =>
        TestContainer.start(client, { root: roots.shared, run }),
      ),
    );
    await TestContainer.create(client, { root: roots.shared, run: 'never started' });
    await containers[0]?.pause();
    const children = childrenOf(agent.pid).map((child) => child.pid);
    expect(children.length).toBeGreaterThanOrEqual(3);
    expect(namespace).toContain(String(agent.pid));
    expect(await agent.stop(signal)).toBe(status);
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(cgroupsBelow(agent.cgroup.path).filter((path) => /c\d+-\d+/.test(path))).toEqual([]);
    expect(readFileSync(`${agent.cgroup.path}/cgroup.events`, 'utf8')).toContain('populated 0');
  });

  it('is not delayed by calls that wait', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod' });
    const container = await TestContainer.start(client, { root: roots.shared, run: 'sleep 600' });
    const waits = Promise.allSettled([container.wait(), container.stdout(), client.call('GetOOMEvent', {})]);
    expect(await agent.stop()).toBe(143);
    await within(20_000, 'the end of the calls', waits);
  });

  it('after DestroySandbox delivers the answer, ends the event poll, and exits with 0', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod', storages });
    const container = await TestContainer.start(client, { root: roots.shared, run: 'sleep 600' });
    const poll = expectStatus(client.call('GetOOMEvent', {}), ['internal', 'unavailable']);
    const wait = container.wait().catch(() => 'ended');
    await client.call('DestroySandbox', {});
    await poll;
    await wait;
    expect(await agent.exit()).toBe(0);
    expect(readFileSync(`${agent.cgroup.path}/cgroup.events`, 'utf8')).toContain('populated 0');
  });

  it('removes the socket it made', async () => {
    await using agent = await startAgent();
    expect(await agent.stop()).toBe(143);
    const { existsSync } = await import('node:fs');
    expect(existsSync(`${agent.folder}/agent.sock`)).toBe(false);
  });
});

describe('the start of the agent as a plain process', () => {
  it('takes an abstract address', async () => {
    // Node 20 pads such addresses, so it cannot connect to one; the kernel's list shows the exact name.
    await using agent = await startAgent({ isAbstract: true });
    expect(readFileSync('/proc/net/unix', 'latin1')).toContain(` @${agent.folder}/agent.sock\n`);
    expect(await agent.stop()).toBe(143);
  });

  it.each([
    ['an address of no known form', { env: { KATA_AGENT_SERVER_ADDR: 'http://x' } }, 'http://x'],
    [
      'a folder that does not exist',
      { env: { KATA_AGENT_SERVER_ADDR: 'unix:///no/such/folder/sock' } },
      '/no/such/folder',
    ],
    ['a configuration file that does not exist', { args: ['--config', '/no/such/file.toml'] }, '/no/such/file.toml'],
  ])('with %s ends at once and says why', async (_, options, words) => {
    await expect(startAgent(options)).rejects.toThrow(words);
  });

  it('prints its version, and refuses arguments it does not know', async () => {
    const { execFileSync, spawnSync } = await import('node:child_process');
    const { releaseAgent } = await import('../support/repository.ts');
    expect(execFileSync(releaseAgent, ['--version'], { encoding: 'utf8' })).toMatch(/4\.1\.0.*0\.0\.1/);
    const refused = spawnSync(releaseAgent, ['--no-such-option'], { encoding: 'utf8' });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('--no-such-option');
  });

  it('writes log lines in JSON with the fields of Kata, every value a string', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod' });
    await agent.stop();
    const lines = agent.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ msg: 'announce', 'agent-version': '4.1.0' });
    for (const line of lines) {
      expect(Object.keys(line).slice(0, 3)).toEqual(['msg', 'level', 'ts']);
      expect(Object.values(line).every((value) => typeof value === 'string')).toBe(true);
      expect(line).toMatchObject({
        version: '0.1.0',
        name: 'kata-agent',
        source: 'agent',
        pid: String(agent.child.pid),
      });
      expect(line['level']).toMatch(/^(CRIT|ERRO|WARN|INFO|DEBG|TRCE)$/);
    }
  });
});
