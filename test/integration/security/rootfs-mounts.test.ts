import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EPHEMERAL, useAgent, type AgentFixture } from '../../support/agent/agent-fixture.ts';
import { describeTree } from '../../support/agent/canary.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { mountTable } from '../../support/agent/kernel-view.ts';
import { isRpcError } from '../../../host/client/rpc-error.ts';
import { createRequest, mount } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import { mountsSeen } from '../../support/rootfs/mount-view.ts';

const VOLUME = '/run/volume';
/** A volume with one more file system inside, as hosts give them. */
const NESTED = `mkdir ${VOLUME}; mount -t tmpfs volume ${VOLUME}; mkdir ${VOLUME}/in; mount -t tmpfs in ${VOLUME}/in`;

/** Runs a shell script in the agent's mount namespace, to its end. */
async function inNamespace(fixture: AgentFixture, script: string): Promise<void> {
  const child = spawn('nsenter', ['-t', String(fixture.agent.pid), '-m', 'sh', '-c', script], { stdio: 'ignore' });
  const [status] = (await once(child, 'close')) as [number | null];
  expect(status, script).toBe(0);
}

describe('MNT-14: options of a bind', () => {
  const fixture = useAgent({ prepare: NESTED });

  it('ro is for the top mount, rro for all of it, and nothing becomes writable again', async () => {
    const outcome = await TestContainer.run(fixture.client, {
      root: await fixture.roots.copy(),
      mounts: [
        mount('/ro', VOLUME, 'bind', 'rbind', 'ro', 'nosuid', 'nodev', 'noexec'),
        mount('/rro', VOLUME, 'bind', 'rbind', 'rro', 'nosuid'),
      ],
      run: 'for d in ro ro/in rro rro/in; do touch /$d/x 2>/dev/null && echo $d; done; rm -f /ro/in/x; cat /proc/self/mountinfo',
    });
    expect(outcome.stdout.split('\n')[0]).toBe('ro/in');
    const table = mountsSeen(outcome.stdout);
    expect(table.get('/ro')?.flags).toEqual(['nodev', 'noexec', 'nosuid', 'relatime', 'ro']);
    expect(table.get('/rro')?.flags).toEqual(['nosuid', 'relatime', 'ro']);
    expect(table.get('/rro/in')?.flags).toEqual(['relatime', 'ro']);
  });

  it.each([['size=1m'], ['mode=755'], ['sync'], ['lazytime'], ['whatever']])(
    '%s, which would be dropped, is refused',
    async (option) => {
      const mounts = [mount('/v', VOLUME, 'bind', 'rbind', option)];
      const request = createRequest(freshId(), { root: fixture.root, mounts });
      const [name = ''] = option.split('=');
      await expectStatus(
        fixture.client.call('CreateContainer', request),
        'invalid_argument',
        'mounts[7].options',
        name,
      );
    },
  );
});

describe('MNT-16: mounts with odd names', () => {
  const odd = `
for name in 'a b' 'tab\tbed' 'back\\\\slash' 'ha#sh' 'da - sh' '-'; do
  mkdir -p "/run/odd/$name"; mount -t tmpfs "$name" "/run/odd/$name"
done
mkdir "/run/odd/new
line"; mount -t tmpfs odd "/run/odd/new
line"
mkdir /run/odd/empty; mount -t tmpfs '' /run/odd/empty
mkdir /run/many
i=0; while [ $i -lt ${amount(200, 10_000)} ]; do mkdir /run/many/$i; mount --bind /run/many/$i /run/many/$i; i=$((i+1)); done
`;
  const fixture = useAgent({ prepare: odd });

  it('disturb no create, and are no part of the container', async () => {
    const outcome = await TestContainer.run(fixture.client, {
      root: fixture.root,
      mounts: [mount('/v', '/run/odd', 'bind', 'rbind')],
      run: 'ls /v | wc -l; cat /proc/self/mountinfo',
    });
    expect(outcome.status).toBe(0);
    const table = mountsSeen(outcome.stdout);
    expect(table.has('/v/new\nline')).toBe(true);
    expect([...table.keys()].filter((path) => path.includes('many'))).toEqual([]);
  });
});

describe('MNT-17: mounts that come and go while containers do', { timeout: 120_000 }, () => {
  const fixture = useAgent({ prepare: 'mount --make-rshared /; mkdir /run/other' });

  it.each(['shared', 'rshared', 'slave', 'private', 'rprivate', 'unbindable', 'runbindable', ''])(
    'with root propagation %j nothing of them stays with the agent',
    async (RootfsPropagation) => {
      const before = mountTable(fixture.agent.pid);
      const rounds = amount(8, 125);
      const other = inNamespace(
        fixture,
        `i=0; while [ $i -lt ${rounds * 10} ]; do mount -t tmpfs o /run/other && umount /run/other || exit 1; i=$((i+1)); done`,
      );
      const linux = { Namespaces: [{ Type: 'mount' }], RootfsPropagation, MaskedPaths: ['/proc/keys'] };
      for (let round = 0; round < rounds; round++) {
        const outcome = await TestContainer.run(fixture.client, {
          root: fixture.root,
          linux,
          run: 'grep -c /run/other /proc/self/mountinfo; exit 0',
        });
        expect(outcome).toMatchObject({ status: 0, stdout: '0\n' });
      }
      await other;
      expect(mountTable(fixture.agent.pid)).toEqual(before);
    },
  );

  it('a mount that the container makes stays its own', async () => {
    const CAPS = ['CAP_SYS_ADMIN', 'CAP_SYS_CHROOT'];
    const outcome = await TestContainer.run(fixture.client, {
      root: fixture.root,
      linux: { Namespaces: [{ Type: 'mount' }], RootfsPropagation: 'rprivate' },
      process: { Capabilities: { Bounding: CAPS, Effective: CAPS, Permitted: CAPS } },
      run: 'mount -t tmpfs mine /mnt && grep -c " /mnt " /proc/self/mountinfo',
    });
    expect(outcome).toMatchObject({ status: 0, stdout: '1\n' });
    expect(mountTable(fixture.agent.pid).join('\n')).not.toContain(' mine');
  });
});

describe('tear-down', () => {
  const PRECIOUS = '/run/precious';
  const fixture = useAgent({
    prepare: `mkdir ${PRECIOUS}; mount -t tmpfs precious ${PRECIOUS}; echo kept > ${PRECIOUS}/file`,
  });
  const inAgent = (path: string): string => `/proc/${fixture.agent.pid}/root${path}`;
  const storage = (name: string) => ({
    driver: 'ephemeral',
    source: 'tmpfs',
    fstype: 'tmpfs',
    mount_point: `${EPHEMERAL}/${name}`,
  });
  const removed = (container: TestContainer): Promise<void> =>
    container.remove().catch((error: unknown) => {
      if (!isRpcError(error)) throw error;
    });

  it('MNT-18: a link in the place of a mount point detaches nothing of the guest', async () => {
    const before = describeTree(inAgent(PRECIOUS));
    const root = await fixture.roots.copy();
    const request = { storages: [storage('swapped')] };
    const container = await TestContainer.start(fixture.client, { root, request });
    // From another mount namespace a mount point can be renamed; the kernel takes the mount off then.
    renameSync(inAgent(`${EPHEMERAL}/swapped`), inAgent(`${EPHEMERAL}/moved`));
    symlinkSync(PRECIOUS, inAgent(`${EPHEMERAL}/swapped`));
    await removed(container);
    expect(mountTable(fixture.agent.pid).filter((line) => line.startsWith(`${PRECIOUS} `))).toHaveLength(1);
    expect(describeTree(inAgent(PRECIOUS))).toEqual(before);
    await inNamespace(fixture, `umount -l ${EPHEMERAL}/moved; rm -rf ${EPHEMERAL}/moved ${EPHEMERAL}/swapped`);
    await fixture.client.call('RemoveContainer', { container_id: container.id }).catch(() => undefined);
  });

  it('MNT-19: clean-up follows no link and crosses no mount', async () => {
    const before = describeTree(inAgent(PRECIOUS));
    const root = await fixture.roots.copy();
    const request = { storages: [storage('left')] };
    const container = await TestContainer.start(fixture.client, { root, request });
    const folder = `${EPHEMERAL}/left`;
    await inNamespace(
      fixture,
      `ln -s ${PRECIOUS} ${folder}/link; mkdir ${folder}/bound; mount --bind ${PRECIOUS} ${folder}/bound`,
    );
    await removed(container);
    expect(describeTree(inAgent(PRECIOUS))).toEqual(before);
    await inNamespace(fixture, `umount -l ${folder}/bound ${folder} 2>/dev/null; rm -rf ${folder}`);
    await fixture.client.call('RemoveContainer', { container_id: container.id }).catch(() => undefined);
  });
});
