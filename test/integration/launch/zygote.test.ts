import { readdirSync, readlinkSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { allChildrenOf, childrenOf, ZYGOTE } from '../../support/agent/kernel-view.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { failpointAgent } from '../../support/repository.ts';

describe('the zygote of an agent', () => {
  const fixture = useAgent();

  const zygote = async (): Promise<number> => {
    let pid = 0;
    await eventually(() => {
      const found = allChildrenOf(fixture.agent.pid).filter(({ name }) => name === ZYGOTE);
      expect(found).toHaveLength(1);
      pid = found[0]?.pid ?? 0;
    });
    return pid;
  };
  const runs = async (): Promise<void> => {
    const { client, root } = fixture;
    const outcome = await TestContainer.run(client, { root, run: 'echo $$; exit 7' });
    expect(outcome).toEqual({ stdout: '1\n', stderr: '', status: 7 });
  };

  it('makes processes that are children of the agent, with nothing of its own in them', async () => {
    const pid = await zygote();
    const { client, root } = fixture;
    await using container = await TestContainer.start(client, { root, run: 'sleep 600' });
    const [init] = childrenOf(fixture.agent.pid);
    expect(readFileSync(`/proc/${init?.pid}/stat`, 'latin1').split(' ')[3]).toBe(String(fixture.agent.pid));
    const exec = await container.execute('ls -l /proc/self/fd; cat /proc/self/comm');
    expect(exec.stdout).not.toContain('socket');
    expect(exec.stdout).toContain('cat\n');
    expect(allChildrenOf(pid)).toEqual([]);
  });

  it('keeps nothing of the containers it made', async () => {
    const pid = await zygote();
    const open = (): string[] => readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const before = await eventually(() => {
      expect(readdirSync(`/proc/${pid}/fd`)).toEqual(['0', '1', '2', '3']);
      return open();
    });
    for (let count = 0; count < 5; count++) await runs();
    expect(await zygote()).toBe(pid);
    // It lets go of what it was given a moment after it has answered.
    await eventually(() => expect(open()).toEqual(before));
    // Blank input and output, the agent's standard error, and the channel.
    expect(before).toHaveLength(4);
  });

  it('is replaced when it was killed, and no launch fails for it', async () => {
    const pid = await zygote();
    process.kill(pid, 'SIGKILL');
    await runs();
    await runs();
    expect(await zygote()).not.toBe(pid);
  });

  it('is replaced when it does not answer, which fails one launch', async () => {
    const pid = await zygote();
    process.kill(pid, 'SIGSTOP');
    await expect(runs()).rejects.toThrow(/does not answer/);
    await runs();
    await runs();
    expect(await zygote()).not.toBe(pid);
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
  });

  it('tells why a process cannot be made', async () => {
    const { client, root } = fixture;
    await using container = await TestContainer.start(client, { root, run: 'sleep 600' });
    await container.killAll();
    await container.wait();
    // The first process of the pid namespace is gone, so nobody can be born in it.
    await expect(container.execute('true')).rejects.toThrow(/first process of the pid namespace is gone/);
  });
});

describe.each(['zygote.request', 'zygote.made'])('a zygote that ends at %s', (step) => {
  const fixture = useAgent({ elf: failpointAgent, env: { KIHON_FAILPOINTS: `${step}=kill` } });

  it('fails no launch, and what it may have made is gone', async () => {
    const { client, root } = fixture;
    for (let count = 0; count < 3; count++) {
      const outcome = await TestContainer.run(client, { root, run: 'echo $$; exit 7' });
      expect(outcome).toEqual({ stdout: '1\n', stderr: '', status: 7 });
    }
  });
});
