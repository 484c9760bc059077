import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { within } from '../support/eventually.ts';

const MIB = 1 << 20;

describe('a call that is left waiting', () => {
  const fixture = useAgent();

  /** More connections than there are free numbers: each descriptor that was closed is used again. */
  async function reuseDescriptors(): Promise<void> {
    const clients = await Promise.all(Array.from({ length: 32 }, () => fixture.agent.connect()));
    await Promise.all(clients.map((client) => client.check()));
    for (const client of clients) client.close();
  }

  for (const terminal of [false, true])
    it(`a write ends with its process although another one holds the ${terminal ? 'terminal' : 'pipe'}`, async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
      const raw = terminal ? 'stty -icanon -echo;' : '';
      const exec = await container.exec(`${raw} setsid sleep 600 <&0 >/dev/null 2>&1 & sleep 0.3`, { terminal });
      const write = exec.write(new Uint8Array(MIB)).then(
        () => 'written',
        () => 'failed',
      );
      expect(await exec.wait()).toBe(0);
      expect(await within(20_000, 'the write', write)).toBe('failed');
      await reuseDescriptors();
      expect((await container.execute('echo on')).stdout).toBe('on\n');
    });

  it('a removal takes a write that waits with it', async () => {
    const container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'exec sleep 600' });
    const write = container.write(new Uint8Array(MIB)).then(
      () => 'written',
      () => 'failed',
    );
    await container.remove();
    expect(await within(20_000, 'the write', write)).toBe('failed');
    await reuseDescriptors();
  });

  it('what was written before the end of the input is part of it', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'sleep 0.3; exec wc -c',
    });
    const writes = [container.write(new Uint8Array(MIB)), container.write(new Uint8Array(MIB))];
    await container.closeStdin();
    expect(await Promise.all(writes)).toEqual([MIB, MIB]);
    expect((await container.stdout()).trim()).toBe(String(2 * MIB));
  });

  it('a call in the queue of its container is answered at its deadline, and does nothing afterwards', async () => {
    const id = freshId();
    // Waits for a disk that never comes; the same container cannot do anything else meanwhile.
    const disk = { driver: 'blk', source: '1f', fstype: 'ext4', mount_point: `/run/kata-containers/${id}/disk` };
    const request = createRequest(id, { root: fixture.root, run: 'true' });
    const creation = expectStatus(fixture.client.call('CreateContainer', { ...request, storages: [disk] }), 'internal');
    // The agent's own word, not that of the client's timer.
    const soon = { timeoutMs: 100, graceMs: 20_000 };
    const removal = fixture.client.call('RemoveContainer', { container_id: id }, soon);
    expect(await expectStatus(removal, 'deadline_exceeded')).not.toContain('no answer in');
    await creation;
    // The agent listens for devices from now on.
    await fixture.watched.rebase();
  });
});
