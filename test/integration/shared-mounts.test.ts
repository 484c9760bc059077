import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { DEFAULT_CAPABILITIES, createRequest } from '../support/container/container-spec.ts';
import type { ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';

const all = [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'];
const admin = { Capabilities: { Bounding: all, Effective: all, Permitted: all } };

describe('mounts shared between containers', () => {
  const fixture = useAgent();

  /** A container with a name in its pod, which may mount. */
  const named = (name: string, run: string, root = fixture.root): ContainerOptions => ({
    root,
    run,
    process: admin,
    spec: { Annotations: new Map([['io.kubernetes.cri.container-name', name]]) },
  });
  const shared = (src_path: string, dst_path: string, src_ctr = 'sidecar'): ContainerOptions => ({
    root: fixture.root,
    run: 'cat /run/data/name /run/data/inner/name; echo new >/run/data/name; sleep 600',
    request: { shared_mounts: [{ name: 'm', src_ctr, src_path, dst_path }] },
  });
  const make =
    'mkdir -p /run/volume && mount -t tmpfs outer /run/volume && echo outer >/run/volume/name && ' +
    'mkdir /run/volume/inner && mount -t tmpfs inner /run/volume/inner && echo inner >/run/volume/inner/name';

  it('appear in a container that is created after them, with what is mounted below', async () => {
    await using source = await TestContainer.start(fixture.client, named('sidecar', `${make}; echo ready; sleep 600`));
    await source.readUntil('ready');
    await using container = await TestContainer.start(fixture.client, shared('/run/volume', '/run/data'));
    expect(await container.readUntil('inner\n')).toBe('outer\ninner\n');
    expect((await source.execute('while ! grep -q new /run/volume/name; do sleep 0.1; done')).status).toBe(0);
  });

  it('are waited for', async () => {
    await using source = await TestContainer.start(
      fixture.client,
      named('sidecar', `sleep 1; ${make}; echo ready; sleep 600`),
    );
    await using container = await TestContainer.start(fixture.client, shared('/run/volume/inner', '/run/data/inner'));
    await source.readUntil('ready');
    expect((await container.execute('cat /run/data/inner/name')).stdout).toBe('inner\n');
  });

  it('are left out when nobody makes them or knows the container', async () => {
    await using source = await TestContainer.start(fixture.client, named('sidecar', 'sleep 600'));
    expect(source.id).not.toBe('');
    for (const options of [shared('/run', '/run/data', 'unknown'), shared('/run/never', '/run/data')]) {
      await using container = await TestContainer.start(fixture.client, { ...options, run: 'ls /run' });
      expect(await container.finish()).toMatchObject({ stdout: '', status: 0 });
    }
  });

  it('that cannot be attached leave nothing, and their paths are checked first', async () => {
    await using source = await TestContainer.start(fixture.client, named('sidecar', `${make}; echo ready; sleep 600`));
    await source.readUntil('ready');
    const refused = shared('/run/volume', '/proc/1/root/x');
    await expectStatus(
      fixture.client.call('CreateContainer', createRequest(freshId(), refused)),
      ['internal', 'invalid_argument'],
      'shared mount /run/volume of sidecar on /proc/1/root/x',
    );
    await expectStatus(
      fixture.client.call('CreateContainer', createRequest(freshId(), shared('volume', '/x'))),
      ['invalid_argument'],
      'shared_mounts[0].src_path',
    );
  });
});
