import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeTree } from '../../support/agent/canary.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { mountTable } from '../../support/agent/kernel-view.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { createRequest, mount } from '../../support/container/container-spec.ts';
import { RootFilesystems } from '../../support/container/root-filesystem.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';

const SHARED = '/run/kata-containers/shared/containers';
const SHM = {
  driver: 'ephemeral',
  source: 'shm',
  fstype: 'tmpfs',
  options: ['size=1048576'],
  mount_point: '/run/kata-containers/sandbox/shm',
};

describe('LIV-14: clean-up never deletes through a mount', () => {
  let roots: RootFilesystems;
  let share = '';
  let before: string[] = [];
  let watched: Watched;

  beforeAll(async () => {
    roots = await RootFilesystems.create();
    share = join(roots.folder, 'share');
    mkdirSync(join(share, 'c1'), { recursive: true });
    mkdirSync(join(share, 'volume/deep'), { recursive: true });
    writeFileSync(join(share, 'volume/deep/precious'), 'of the host');
    await roots.copy('share/c1/rootfs');
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  beforeEach(async () => {
    before = describeTree(share);
    watched = await Watched.start({ share }, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod', storages: [SHM] });
      await TestContainer.run(client, { root: `${SHARED}/c1/rootfs`, run: 'exit 0' });
    });
  });
  afterEach(async () => {
    try {
      await watched.verify();
      expect(await watched.agent.stop()).toBe(143);
      expect(describeTree(share)).toEqual(before);
    } finally {
      await watched[Symbol.asyncDispose]();
    }
  });

  it('when a sandbox is made again and again, also in vain', async () => {
    const { client } = watched;
    await using container = await TestContainer.start(client, { root: `${SHARED}/c1/rootfs`, run: 'sleep 600' });
    for (let round = 0; round < 5; round++) {
      await client.call('CreateSandbox', { sandbox_id: 'pod', storages: [SHM] });
      const bad = { driver: 'virtio-fs', source: 'kataShared', fstype: 'virtiofs', mount_point: `${SHARED}/x${round}` };
      await expectStatus(client.call('CreateSandbox', { sandbox_id: 'pod', storages: [SHM, bad] }), [
        'internal',
        'failed_precondition',
      ]);
    }
    expect((await container.execute('ls /bin/busybox')).status).toBe(0);
    // Each sandbox keeps the storage once more; an agent of one sandbox makes only one of them.
    expect(describeTree(share)).toEqual(before);
    await watched.rebase();
    await container.remove();
    await watched.rebase();
  });

  it.each<[string, Parameters<typeof createRequest>[1]]>([
    ['the program', { root: `${SHARED}/c1/rootfs`, run: ['/nope'] }],
    ['a bind mount', { root: `${SHARED}/c1/rootfs`, mounts: [mount('/volume', `${SHARED}/nothing`, 'bind', 'rbind')] }],
    [
      'a mount after good ones',
      {
        root: `${SHARED}/c1/rootfs`,
        mounts: [mount('/volume', `${SHARED}/volume`, 'bind', 'rbind'), mount('/x', 'x', 'nosuchfs')],
      },
    ],
    ['the working directory', { root: `${SHARED}/c1/rootfs`, process: { Cwd: '/bin/busybox/x' } }],
    [
      'a sysctl',
      {
        root: `${SHARED}/c1/rootfs`,
        linux: { Namespaces: [{ Type: 'mount' }, { Type: 'ipc' }], Sysctl: new Map([['kernel.shmmni', 'nonsense']]) },
      },
    ],
    [
      'a device',
      {
        root: `${SHARED}/c1/rootfs`,
        linux: { Namespaces: [{ Type: 'mount' }], Devices: [{ Path: '/dev/null/x', Type: 'c', Major: 1n, Minor: 3n }] },
      },
    ],
    [
      'a storage after a good one',
      {
        root: `${SHARED}/c1/rootfs`,
        request: {
          storages: [
            { ...SHM, mount_point: '/run/kata-containers/sandbox/other' },
            { driver: 'virtio-fs', source: 'nothing', fstype: 'virtiofs', mount_point: `${SHARED}/volume` },
          ],
        },
      },
    ],
  ])('when a create fails at %s', async (_, options) => {
    for (let round = 0; round < 3; round++) {
      const create = watched.client.call('CreateContainer', createRequest(freshId(), options));
      await expectStatus(create, ['internal', 'invalid_argument', 'failed_precondition', 'deadline_exceeded']);
    }
  });

  it('when a container with volumes is removed', async () => {
    const outcome = await TestContainer.run(watched.client, {
      root: `${SHARED}/c1/rootfs`,
      run: 'cat /volume/deep/precious; umount /volume 2>/dev/null; exit 0',
      mounts: [mount('/volume', `${SHARED}/volume`, 'bind', 'rbind', 'ro'), mount('/tmp/inner', 'tmpfs', 'tmpfs')],
    });
    expect(outcome.stdout).toBe('of the host');
    // The mount points that were made in the root are taken away again only where that is promised; the volume stays.
    execFileSync('rm', ['-rf', join(share, 'c1/rootfs/volume'), join(share, 'c1/rootfs/tmp/inner')]);
    expect(describeTree(share).filter((line) => line.startsWith('/volume'))).toEqual(
      before.filter((line) => line.startsWith('/volume')),
    );
    before = describeTree(share);
  });

  it('when a mount of its container is busy', async () => {
    const { client, agent } = watched;
    const container = await TestContainer.start(client, {
      root: `${SHARED}/c1/rootfs`,
      run: 'cd /volume; sleep 600 & exec sleep 601',
      mounts: [mount('/volume', `${SHARED}/volume`, 'bind', 'rbind')],
    });
    const mounts = mountTable(agent.pid);
    await container.remove();
    expect(mountTable(agent.pid)).toEqual(mounts);
    execFileSync('rm', ['-rf', join(share, 'c1/rootfs/volume')]);
    before = describeTree(share);
  });
});
