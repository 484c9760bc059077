import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest, mount } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { HUGE_PAGE_BYTES, hugePagePool, hugePages } from '../support/vm/huge-pages.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** Its number in statfs(2), as busybox prints it. */
const HUGETLBFS_MAGIC = '958458f6\n';
const VOLUMES = '/run/kata-containers/sandbox/ephemeral';
const volume = (name: string, pages: number) => hugePages(`${VOLUMES}/${name}`, pages);
const bind = (name: string) => mount(`/run/${name}`, `${VOLUMES}/${name}`, 'bind', 'rbind', 'rw');

describe('volumes of huge pages', () => {
  const fixture = useVm({ hasWitness: true });
  const pool = () => hugePagePool(fixture.vm);
  const create = (...storages: readonly Record<string, unknown>[]) =>
    fixture.client.call('CreateContainer', createRequest(freshId(), { root: fixture.root, request: { storages } }));
  const mounts = () => fixture.vm.witness('cat /proc/mounts');

  it('that cannot be had are refused, and the pages found for them given back', async () => {
    expect(await pool()).toEqual({ total: 0, free: 0 });
    await expectStatus(create(volume('far', 4096)), ['internal'], /Only allocated \d+ of 4096 hugepages/);
    expect(await pool()).toEqual({ total: 0, free: 0 });
    const odd = { ...volume('odd', 1), options: [`pagesize=12345678,size=${HUGE_PAGE_BYTES}`] };
    await expectStatus(create(odd), ['internal'], 'no huge page pool');
    expect(await mounts()).not.toContain(VOLUMES);
  });

  it('go with the request that fails after them', async () => {
    const missing = { driver: 'virtio-fs', source: 'nosuch', fstype: 'virtiofs', mount_point: `${VOLUMES}/missing` };
    await expectStatus(create(volume('first', 3), missing), ['internal'], 'nosuch');
    expect(await pool()).toEqual({ total: 0, free: 0 });
    expect(await mounts()).not.toContain(VOLUMES);
    // The folder of all volumes stays from the first one on.
    await fixture.checks.rebase();
  });

  it('have pages of their own, of the size and as many as asked for, until the sandbox ends', async () => {
    const storages = [volume('four', 4), volume('two', 2)];
    {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        request: { storages },
        mounts: [bind('four'), bind('two')],
      });
      expect(await pool()).toEqual({ total: 6, free: 6 });
      const table = await mounts();
      expect(table).toMatch(/ephemeral\/four hugetlbfs rw,\S*\bpagesize=2M,size=8388608\b/);
      expect(table).toMatch(/ephemeral\/two hugetlbfs rw,\S*\bpagesize=2M,size=4194304\b/);
      const take = (name: string, pages: number) =>
        container.execute(`fallocate -l ${pages * HUGE_PAGE_BYTES} /run/${name}/file && stat -f -c %t /run/${name}`);
      expect(await take('four', 3)).toMatchObject({ stdout: HUGETLBFS_MAGIC, status: 0 });
      expect(await pool()).toEqual({ total: 6, free: 3 });
      // The pool has a third one; the volume has not.
      expect((await take('two', 3)).status).not.toBe(0);
      await container.execute('rm /run/two/file');
      expect((await take('two', 2)).status).toBe(0);
      expect(await pool()).toEqual({ total: 6, free: 1 });
      await container.execute('rm /run/four/file /run/two/file');
      expect(await pool()).toEqual({ total: 6, free: 6 });
    }
    // Other containers of the pod find it again: the volume is the sandbox's (contract storage 4.5).
    await using second = await TestContainer.start(fixture.client, {
      root: fixture.root,
      request: { storages },
      mounts: [bind('four')],
    });
    expect((await second.execute('stat -f -c %t /run/four')).stdout).toBe(HUGETLBFS_MAGIC);
    expect(await pool()).toEqual({ total: 6, free: 6 });
    await second.remove();
    await fixture.checks.rebase();
  });
});
