import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTree } from '../support/agent/canary.ts';
import { isRpcError } from '../../host/client/rpc-error.ts';
import { createRequest, mount, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { amount } from '../support/long.ts';
import { SANDBOX_STORAGES, useVm } from '../support/vm/vm-fixture.ts';

describe('LIV-14: the folder that the host shares', () => {
  const fixture = useVm({ hasWitness: true });

  /** All of it: root file systems, volumes, canary. */
  const snapshot = () => describeTree(fixture.vm.share);

  async function staysAsItIs(work: () => Promise<void>): Promise<void> {
    const volume = join(fixture.vm.share, 'volume');
    mkdirSync(join(volume, 'deep/er'), { recursive: true });
    for (const name of ['a', 'deep/b', 'deep/er/c']) writeFileSync(join(volume, name), `${name} is precious\n`);
    try {
      symlinkSync('/', join(volume, 'root'));
    } catch {
      // From an earlier test.
    }
    const before = snapshot();
    expect(before.length).toBeGreaterThan(50);
    await work();
    expect(snapshot()).toEqual(before);
  }

  const createSandbox = (storages: typeof SANDBOX_STORAGES, name = 'pod') =>
    fixture.client.call('CreateSandbox', { sandbox_id: name, hostname: 'podname', storages });

  /** Succeeds or is refused; a dead agent or a deadline is neither. */
  async function settles(call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      if (isRpcError(error, 'deadline_exceeded') || isRpcError(error, 'unavailable')) throw error;
      return false;
    }
  }

  it('outlives CreateSandbox with the same storage again and again, with a container running from it', async () => {
    await staysAsItIs(async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
      for (let count = 0; count < amount(5, 100); count++) {
        await settles(createSandbox(SANDBOX_STORAGES));
        expect(await container.execute('ls /bin/busybox')).toMatchObject({ stdout: '/bin/busybox\n', status: 0 });
      }
      await settles(createSandbox([...SANDBOX_STORAGES, ...SANDBOX_STORAGES]));
      await settles(createSandbox([]));
    });
    // One more reference to the same mount is no residue.
    await fixture.checks.rebase();
  });

  it('outlives CreateSandbox that fails after the share was mounted', async () => {
    await staysAsItIs(async () => {
      const bad = { driver: 'no-such-driver', source: 'x', fstype: 'x', mount_point: '/run/x', options: [] };
      expect(await settles(createSandbox([...SANDBOX_STORAGES, bad]))).toBe(false);
      const elsewhere = SANDBOX_STORAGES.slice(0, 1).map((share) => ({
        ...share,
        mount_point: '/run/kata-containers/second',
      }));
      expect(await settles(createSandbox([...elsewhere, bad]))).toBe(false);
      expect(await settles(createSandbox([{ ...bad, driver: 'virtio-fs', fstype: 'virtiofs' }]))).toBe(false);
    });
  });

  const failing: readonly (readonly [string, Partial<ContainerOptions>])[] = [
    ['a program that does not exist', { run: ['/nope'] }],
    ['a root that does not exist', { root: '/run/kata-containers/shared/containers/nothing/rootfs' }],
    ['a mount whose source does not exist', { mounts: [mount('/m', '/run/nothing', 'bind', 'rbind')] }],
    ['a mount of an unknown file system', { mounts: [mount('/m', 'x', 'no-such-fs')] }],
    ['a mount over the root', { mounts: [mount('/', 'x', 'tmpfs')] }],
    ['a masked path after the mounts', { linux: { MaskedPaths: ['relative'] } }],
    ['a sysctl of the machine', { linux: { Sysctl: new Map([['kernel.panic', '1']]) } }],
    ['an impossible limit of the cgroup', { linux: { Resources: { Memory: { Limit: 1n } } } }],
    ['a working directory that is a file', { process: { Cwd: '/bin/busybox/x' } }],
    ['an unknown capability', { process: { Capabilities: { Bounding: ['CAP_NONE'] } } }],
    ['an unknown namespace', { linux: { Namespaces: [{ Type: 'nonsense' }, { Type: 'mount' }] } }],
    ['a user namespace', { linux: { Namespaces: [{ Type: 'user' }, { Type: 'mount' }] } }],
    ['a device that cannot be', { linux: { Devices: [{ Path: '/dev/../../x', Type: 'c', Major: 1n, Minor: 3n }] } }],
    ['a hostname without its namespace', { spec: { Hostname: 'x' }, linux: { Namespaces: [{ Type: 'mount' }] } }],
  ];

  it.each(failing)('outlives CreateContainer that fails by %s', async (_, options) => {
    await staysAsItIs(async () => {
      const volume = fixture.vm.guestPath('volume');
      const id = freshId();
      const request = createRequest(id, {
        root: fixture.root,
        run: 'sleep 600',
        ...options,
        mounts: [mount('/run/volume', volume, 'bind', 'rbind', 'rw'), ...(options.mounts ?? [])],
        request: {
          storages: [
            {
              driver: 'virtio-fs',
              source: 'kataShared',
              fstype: 'virtiofs',
              mount_point: `/run/kata-containers/${id}/share`,
            },
          ],
        },
      });
      expect(await settles(fixture.client.call('CreateContainer', request))).toBe(false);
    });
  });

  it('outlives RemoveContainer while its mounts are busy', async () => {
    await staysAsItIs(async () => {
      const volume = fixture.vm.guestPath('volume');
      const options: ContainerOptions = {
        root: fixture.root,
        run: 'cd /run/volume/deep/er && exec sleep 600',
        mounts: [mount('/run/volume', volume, 'bind', 'rbind', 'rw', 'rshared')],
      };
      const container = await TestContainer.start(fixture.client, options);
      // From outside every container: a working directory below the bundle, and a mount on it.
      const bundle = `/run/kata-containers/${container.id}`;
      const hold = `cd ${bundle}/extra/deep && exec sh -c 'echo $$ >/run/busy; exec sleep 600'`;
      const busy =
        `{ mkdir -p ${bundle}/extra && mount --bind ${volume} ${bundle}/extra && ${hold}; } >/dev/null 2>&1 & ` +
        'while [ ! -s /run/busy ]; do sleep 0.1; done';
      await fixture.vm.witness(busy);
      if (!(await settles(container.remove()))) {
        await fixture.vm.witness(`umount -l ${bundle}/extra`);
        await container.remove();
      }
      await fixture.vm.witness(
        `kill $(cat /run/busy); rm /run/busy; umount -l ${bundle}/extra 2>/dev/null; rmdir ${bundle}/extra ${bundle} 2>/dev/null; true`,
      );
    });
  });

  it('outlives containers that put mounts and links where the agent keeps its own', async () => {
    await staysAsItIs(async () => {
      const volume = fixture.vm.guestPath('volume');
      for (const place of ['rootfs', 'config.json', 'state']) {
        const id = freshId();
        await fixture.vm.witness(
          `mkdir -p /run/kata-containers/${id} && ln -s ${volume} /run/kata-containers/${id}/${place}`,
        );
        const request = createRequest(id, { root: fixture.root, run: 'exit 0' });
        if (await settles(fixture.client.call('CreateContainer', request)))
          await settles(fixture.client.call('RemoveContainer', { container_id: id }));
        await fixture.vm.witness(
          `rm -f /run/kata-containers/${id}/${place}; rmdir /run/kata-containers/${id} 2>/dev/null; true`,
        );
      }
    });
  });

  it('outlives the end of the sandbox', async () => {
    // The end itself is in the fixture; this is what it must find.
    await staysAsItIs(async () => {
      const request = {
        storages: [
          { driver: 'ephemeral', source: 'shm', fstype: 'tmpfs', mount_point: '/run/kata-containers/sandbox/shm' },
        ],
      };
      await settles(fixture.client.call('UpdateEphemeralMounts', request));
      await settles(fixture.client.call('RemoveStaleVirtiofsShareMounts', {}));
    });
  });
});
