import { describe, expect, it } from 'vitest';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
const SIGKILL = 9;
const DEADLINE_MS = 60_000;

/** Where the agent keeps volumes that last as long as the sandbox: in its own `/run`. */
const SANDBOX = '/run/kata-containers/sandbox';

/** Takes ever more memory and never gives any back. */
const BOMB = 'echo go; exec tail /dev/zero';

describe('a workload that takes all there is', () => {
  const fixture = useVm({ hasWitness: true });

  /** Everything a host does with a container works. */
  async function worksAsBefore(): Promise<void> {
    const { client, root } = fixture;
    await client.check();
    const container = await TestContainer.start(client, { root, run: 'sleep 600' });
    expect(await container.execute('echo exec')).toMatchObject({ stdout: 'exec\n', status: 0 });
    expect((await container.stats())?.pids_stats?.current).toBeGreaterThan(0n);
    await container.killAll();
    expect(await container.wait()).toBe(128 + SIGKILL);
    await container.remove();
  }

  it('LIV-02 the agent is the last to be killed, its containers are as they come', async () => {
    const { client, root, vm } = fixture;
    expect((await vm.witness('cat /proc/1/oom_score_adj')).trim()).toBe('-1000');
    // What makes the containers' processes is not: they would inherit it, and a limit that is too small could not end them.
    const zygote = 'for p in /proc/[0-9]*; do grep -qx kihon-zygote $p/comm && cat $p/oom_score_adj; done; true';
    expect((await vm.witness(zygote)).trim()).toBe('0');
    const { stdout } = await TestContainer.run(client, { root, run: 'cat /proc/self/oom_score_adj' });
    expect(stdout).toBe('0\n');
    await using container = await TestContainer.start(client, { root, run: 'sleep 600' });
    expect((await container.execute('cat /proc/self/oom_score_adj')).stdout).toBe('0\n');
  });

  it('LIV-02 a memory bomb within a limit is an event of that container, with helpers of the agent about', async () => {
    const { client, root } = fixture;
    await using neighbour = await TestContainer.start(client, { root });
    const limit = BigInt(32 * MIB);
    const event = client.call('GetOOMEvent', {});
    await using container = await TestContainer.start(client, {
      root,
      run: BOMB,
      linux: { Resources: { Memory: { Limit: limit, Swap: limit } } },
    });
    const others = Array.from({ length: 3 }, () => neighbour.execute('true'));
    expect(await within(DEADLINE_MS, 'its end', container.wait())).toBe(128 + SIGKILL);
    expect((await within(DEADLINE_MS, 'the event', event)).container_id).toBe(container.id);
    for (const outcome of await Promise.all(others)) expect(outcome.status).toBe(0);
    await worksAsBefore();
  });

  it('LIV-02 a memory bomb without a limit is killed, and nobody else is', async () => {
    const { client, root, vm } = fixture;
    await using neighbour = await TestContainer.start(client, { root, run: 'sleep 600' });
    await using container = await TestContainer.start(client, { root, run: BOMB });
    expect(await within(DEADLINE_MS, 'its end', container.wait())).toBe(128 + SIGKILL);
    expect(await neighbour.execute('echo fine')).toMatchObject({ stdout: 'fine\n' });
    expect(await vm.witness('cat /proc/1/comm')).not.toBe('');
    await worksAsBefore();
  });

  it('LIV-02 files in memory stop at the limit of the container', async () => {
    const { client, root } = fixture;
    const limit = BigInt(32 * MIB);
    await using container = await TestContainer.start(client, {
      root,
      run: 'cat /dev/zero > /run/fill; cat /dev/zero > /dev/shm/fill; cat /dev/zero > /dev/fill; echo end',
      linux: { Resources: { Memory: { Limit: limit, Swap: limit } } },
    });
    await within(DEADLINE_MS, 'its end', container.wait());
    await worksAsBefore();
  });

  it('LIV-01 a fork bomb without a limit holds up neither kill nor remove', async () => {
    const { client, root } = fixture;
    const container = await TestContainer.start(client, {
      root,
      run: 'echo go; b() { b | b & }; while :; do b; done 2>/dev/null',
    });
    await container.readUntil('go\n');
    await eventually(
      async () => expect((await container.stats())?.pids_stats?.current).toBeGreaterThan(100n),
      DEADLINE_MS,
    );
    await within(DEADLINE_MS, 'the kill', container.killAll());
    await within(DEADLINE_MS, 'the end', container.wait());
    await within(DEADLINE_MS, 'the removal', container.remove());
    await worksAsBefore();
  });

  it('LIV-11 a volume in the guest’s own /run that is full, of bytes and of names, stops nobody', async () => {
    const { client, root, vm } = fixture;
    const place = `${SANDBOX}/storage/full`;
    await using container = await TestContainer.start(client, {
      root,
      run: `dd if=/dev/zero of=/volume/fill bs=1M count=512 2>/dev/null; i=0
        while [ $i -lt 3000 ]; do : > /volume/$i 2>/dev/null; i=$((i+1)); done; echo full; sleep 600`,
      mounts: [mount('/volume', place, 'bind', 'rbind', 'rw')],
      request: { storages: [{ driver: 'local', source: 'local', fstype: 'local', mount_point: place }] },
      linux: { Resources: { Memory: { Limit: BigInt(160 * MIB) } } },
    });
    const out = await within(
      DEADLINE_MS,
      'the volume to be full',
      container.readUntil('full').catch(() => 'ended'),
    );
    expect(['full\n', 'ended']).toContain(out);
    await worksAsBefore();
    await container.killAll();
    await container.wait();
    await container.remove();
    // A volume of the sandbox stays with its content; what the test made goes.
    await vm.witness(`rm -rf ${SANDBOX}/storage`);
    await worksAsBefore();
  });
});
