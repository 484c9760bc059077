import { describe, expect, it } from 'vitest';
import { TestContainer } from '../container/test-container.ts';
import type { TestVmOptions } from './test-vm.ts';
import { useVm } from './vm-fixture.ts';

const MIB = 1 << 20;

/** A short look at everything that a kernel or a machine type could lack: the promises are tested in depth elsewhere. */
export function describeSmoke(what: string, options: TestVmOptions): void {
  describe(what, () => {
    const fixture = useVm(options);

    it('runs a container to its exit code, with exec and kill', async () => {
      const { client, root } = fixture;
      expect(await TestContainer.run(client, { root, run: 'echo out; echo err >&2; exit 7' })).toEqual({
        stdout: 'out\n',
        stderr: 'err\n',
        status: 7,
      });
      await using container = await TestContainer.start(client, { root, run: 'sleep 600' });
      expect(await container.execute('hostname; id -u')).toMatchObject({ stdout: 'podname\n0\n', status: 0 });
      await container.killAll();
      expect(await container.wait()).toBe(137);
    });

    it('has a terminal', async () => {
      const { client, root } = fixture;
      await using container = await TestContainer.start(client, {
        root,
        run: 'read x; tty; stty size',
        terminal: true,
      });
      await container.resize(24, 80);
      await container.write('\n');
      expect(await container.readUntil('24 80\r\n')).toMatch(/\/dev\/(pts\/\d+|console)\r\n/);
      expect(await container.wait()).toBe(0);
    });

    it('has limits, statistics, and a freezer', async () => {
      const { client, root } = fixture;
      const memory = { Limit: BigInt(32 * MIB), Swap: BigInt(32 * MIB) };
      await using container = await TestContainer.start(client, {
        root,
        run: 'sleep 600',
        linux: { Resources: { CPU: { Shares: 1024n }, Memory: memory, Pids: { Limit: 20n } } },
      });
      const stats = await container.stats();
      expect(stats?.memory_stats?.usage?.limit).toBe(memory.Limit);
      expect(stats?.pids_stats?.limit).toBe(20n);
      await container.pause();
      await container.resume();
      const event = client.call('GetOOMEvent', {});
      const exec = await container.exec('exec dd if=/dev/zero of=/dev/null bs=64M count=1');
      expect(await exec.wait()).toBe(137);
      expect((await event).container_id).toBe(container.id);
    });

    it('carries a megabyte each way', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: ['cat'] });
      const text = 'the quick brown fox 12345678901\n'.repeat(MIB / 32);
      const received = container.stdout();
      for (let offset = 0; offset < MIB;) offset += await container.write(text.slice(offset, offset + 32_768));
      await container.closeStdin();
      expect((await received) === text).toBe(true);
      expect(await container.wait()).toBe(0);
    });
  });
}
