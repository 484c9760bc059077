import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest, mount } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { shareServers } from '../support/vm/share-servers.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const VOLUME = '/run/kata-containers/sandbox/storage/hung';
/** What the agent gives work that may block is half a minute; Kata's host waits for twice as long. */
const ANSWER_MS = 100_000;

describe('LIV-09: a share whose server on the host has stopped', { timeout: 240_000 }, () => {
  const fixture = useVm({ hasWitness: true });

  /** Runs `work` while no server of a share does anything. */
  async function whileStopped<T>(work: () => Promise<T>): Promise<T> {
    const servers = shareServers(fixture.vm);
    expect(servers.length).toBeGreaterThan(0);
    try {
      for (const pid of servers) process.kill(pid, 'SIGSTOP');
      return await work();
    } finally {
      for (const pid of servers) process.kill(pid, 'SIGCONT');
    }
  }

  it('fails the storage that needs it at its deadline, holds up nothing else, and serves again later', async () => {
    for (const name of ['upper', 'lower']) {
      mkdirSync(join(fixture.vm.share, 'layers', name), { recursive: true });
      writeFileSync(join(fixture.vm.share, 'layers', name, name), `${name}\n`);
    }
    const layer = (name: string) => fixture.vm.guestPath(`layers/${name}`);
    const optionsFor = (volume: string) => ({
      root: fixture.root,
      request: {
        storages: [
          {
            driver: 'overlayfs',
            source: 'overlay',
            fstype: 'overlay',
            options: [`lowerdir=${layer('upper')}:${layer('lower')}`],
            mount_point: volume,
          },
        ],
      },
      mounts: [mount('/run/hung', volume, 'bind', 'rbind', 'ro')],
    });
    const options = optionsFor(VOLUME);
    {
      await using other = await TestContainer.start(fixture.client, { root: fixture.root, run: ['cat'] });
      // What it executes comes from the share, too: now it is in memory.
      await other.write('warm\n');
      expect(await other.read()).toBe('warm\n');
      await whileStopped(async () => {
        const begin = performance.now();
        const stuck = fixture.client.call('CreateContainer', createRequest(freshId(), options));
        const ended = expectStatus(
          within(ANSWER_MS, 'the stuck request', stuck),
          ['internal'],
          'not done after 30000 ms',
        );
        await fixture.checks.alive();
        await other.write('still here\n');
        expect(await other.read()).toBe('still here\n');
        expect((await other.stats())?.pids_stats?.current).toBe(1n);
        await ended;
        expect(performance.now() - begin).toBeGreaterThan(20_000);
        await fixture.checks.alive();
        // What is under way may still come to lie there, so nothing else does.
        const again = fixture.client.call('CreateContainer', createRequest(freshId(), options));
        await expectStatus(again, ['internal'], 'an earlier mount there, of overlay, does not come to an end');
        // A caller's own deadline is earlier still.
        const elsewhere = createRequest(freshId(), optionsFor(`${VOLUME}-elsewhere`));
        const impatient = fixture.client.call('CreateContainer', elsewhere, { timeoutMs: 2000 });
        await expectStatus(within(ANSWER_MS, 'the impatient request', impatient), ['deadline_exceeded']);
        await other.killAll();
      });
      // Not before: the kernel lets go of its program, which lies on the share.
      expect(await other.wait()).toBe(137);
    }
    // Mounts that come after their deadline are taken away again, and then the place is free.
    await eventually(async () => expect(await fixture.vm.witness('cat /proc/mounts')).not.toContain(VOLUME));
    {
      await using container = await eventually(() => TestContainer.start(fixture.client, options));
      expect((await container.execute('cat /run/hung/upper /run/hung/lower')).stdout).toBe('upper\nlower\n');
    }
    // The folder of all volumes stays from the first one on.
    await fixture.checks.rebase();
    expect(await fixture.vm.witness('cat /proc/mounts')).not.toContain(VOLUME);
  });
});
