import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
const SIGKILL = 9;
/** A whole minute of a slow guest; what is waited for takes a second or two. */
const DEADLINE_MS = 60_000;

describe('cgroup v2 in a VM', () => {
  const fixture = useVm();

  describe('limits of a container', () => {
    const ownCgroup = mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'ro', 'nosuid', 'noexec', 'nodev');

    it('are what the spec says, in the files of the container’s own cgroup', async () => {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        mounts: [ownCgroup],
        linux: {
          Resources: {
            CPU: { Shares: 1024n, Quota: 50_000n, Period: 100_000n, Cpus: '0', Mems: '0' },
            Memory: { Limit: BigInt(48 * MIB), Reservation: BigInt(8 * MIB) },
            Pids: { Limit: 17n },
          },
        },
      });
      const files = 'cpu.weight cpu.max cpuset.cpus memory.max memory.low pids.max';
      const { stdout } = await container.execute(`cat /proc/self/cgroup; cd /sys/fs/cgroup && cat ${files}`);
      expect(stdout.trim().split('\n')).toEqual([
        '0::/',
        '39',
        '50000 100000',
        '0',
        String(48 * MIB),
        String(8 * MIB),
        '17',
      ]);
      const stats = await container.stats();
      expect(stats?.memory_stats?.usage?.limit).toBe(BigInt(48 * MIB));
      expect(stats?.pids_stats?.limit).toBe(17n);
    });

    it('of processes: a fork too many fails inside, and nothing else does', async () => {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'i=0; while [ $i -lt 20 ]; do sleep 600 & i=$((i+1)); done; echo survived',
        linux: { Resources: { Pids: { Limit: 8n } } },
      });
      const stderr = await container.stderr().catch(() => '');
      expect(stderr).toMatch(/can't fork/);
      expect((await container.stats())?.pids_stats?.current).toBeLessThanOrEqual(8n);
      await fixture.client.check();
    });

    it('of memory: who goes beyond 32 MiB is killed, and the event names the container', async () => {
      await using neighbour = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
      const event = fixture.client.call('GetOOMEvent', {});
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        // dd needs its block in memory at once; no swap, so the limit is the end.
        run: 'exec dd if=/dev/zero of=/dev/null bs=64M count=1',
        linux: { Resources: { Memory: { Limit: BigInt(32 * MIB), Swap: BigInt(32 * MIB) } } },
      });
      expect(await container.wait()).toBe(128 + SIGKILL);
      expect((await within(DEADLINE_MS, 'the event', event)).container_id).toBe(container.id);
      expect(await neighbour.execute('echo fine')).toMatchObject({ stdout: 'fine\n' });
      await expectStatus(fixture.client.call('GetOOMEvent', {}, { timeoutMs: 500 }), 'deadline_exceeded');
    });

    it('of memory: an exec is killed by the same limit, and an event waits for who asks later', async () => {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'sleep 600',
        linux: { Resources: { Memory: { Limit: BigInt(32 * MIB), Swap: BigInt(32 * MIB) } } },
      });
      const exec = await container.exec('exec dd if=/dev/zero of=/dev/null bs=64M count=1');
      expect(await exec.wait()).toBe(128 + SIGKILL);
      const event = await within(DEADLINE_MS, 'the event', fixture.client.call('GetOOMEvent', {}));
      expect(event.container_id).toBe(container.id);
    });

    it('of memory: the container named like the sandbox reports nothing', async () => {
      const container = await TestContainer.start(
        fixture.client,
        {
          root: fixture.root,
          run: 'exec dd if=/dev/zero of=/dev/null bs=64M count=1',
          linux: { Resources: { Memory: { Limit: BigInt(32 * MIB), Swap: BigInt(32 * MIB) } } },
        },
        'pod',
      );
      expect(await container.wait()).toBe(128 + SIGKILL);
      await container.remove();
      await expectStatus(fixture.client.call('GetOOMEvent', {}, { timeoutMs: 1000 }), 'deadline_exceeded');
    });

    it('are accounted: a busy loop shows as CPU time, memory and processes as they are', async () => {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'while :; do :; done',
      });
      const usage = async (): Promise<bigint> => (await container.stats())?.cpu_stats?.cpu_usage?.total_usage ?? 0n;
      const before = await usage();
      // Half a second of CPU time in ns.
      await eventually(async () => expect((await usage()) - before).toBeGreaterThan(500_000_000n), DEADLINE_MS);
      const stats = await container.stats();
      const cpu = stats?.cpu_stats?.cpu_usage;
      expect((cpu?.usage_in_usermode ?? 0n) + (cpu?.usage_in_kernelmode ?? 0n)).toBeGreaterThan(0n);
      expect(stats?.memory_stats?.usage?.usage).toBeGreaterThan(0n);
      expect(stats?.memory_stats?.usage?.limit).toBe((1n << 64n) - 1n);
      expect(stats?.memory_stats?.stats.get('pgfault')).toBeGreaterThan(0n);
      expect(stats?.pids_stats?.current).toBe(1n);
    });
  });

  describe('a paused container', () => {
    const counter = 'i=0; while :; do i=$((i+1)); echo $i > /run/count; sleep 0.02; done';

    it('stands still, and goes on when resumed', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: counter });
      const count = async (): Promise<bigint> => (await container.stats())?.cpu_stats?.cpu_usage?.total_usage ?? -1n;
      await eventually(async () => expect(await count()).toBeGreaterThan(0n), DEADLINE_MS);
      await container.pause();
      await expectStatus(container.pause(), 'internal');
      // Freezing is on its way when the call returns; then nothing may run any more.
      let frozen = -1n;
      await eventually(async () => {
        frozen = await count();
        await sleep(700);
        expect(await count()).toBe(frozen);
      }, DEADLINE_MS);
      await fixture.client.check();
      await container.resume();
      await expectStatus(container.resume(), 'internal');
      await eventually(async () => expect(await count()).toBeGreaterThan(frozen), DEADLINE_MS);
    });

    it('does not hold up an exec for ever, and can be killed', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: counter });
      await container.pause();
      await expectStatus(within(DEADLINE_MS, 'the answer', container.exec('true')), [
        'internal',
        'failed_precondition',
        'deadline_exceeded',
      ]);
      await fixture.client.check();
      await container.killAll();
      expect(await container.wait()).toBe(128 + SIGKILL);
    });

    it('can be removed', async () => {
      const container = await TestContainer.start(fixture.client, { root: fixture.root, run: counter });
      await container.pause();
      await within(DEADLINE_MS, 'the removal', container.remove());
      expect(await TestContainer.run(fixture.client, { root: fixture.root, run: 'echo next' })).toMatchObject({
        stdout: 'next\n',
      });
    });
  });
});
