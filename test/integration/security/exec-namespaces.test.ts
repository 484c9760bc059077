import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';

describe('EXE-06: an exec', () => {
  const fixture = useAgent();
  const all = [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'];
  const privileged = {
    Capabilities: { Bounding: all, Effective: all, Permitted: all, Inheritable: all },
    NoNewPrivileges: false,
  };
  const look = 'readlink /proc/self/ns/mnt; readlink /proc/self/ns/uts; readlink /proc/self/ns/ipc';

  it('joins the namespaces of the container, wherever its first process has moved', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: `${look}; exec unshare -m -u -i sh -c '${look}; mount -t tmpfs tmpfs /proc; mount -t tmpfs tmpfs /bin; hostname moved; echo ready; read x'`,
      process: privileged,
    });
    const lines = (await container.readUntil('ready')).split('\n');
    const [original, moved] = [lines.slice(0, 3), lines.slice(3, 6)];
    for (const index of [0, 1, 2]) expect(moved[index]).not.toBe(original[index]);
    const seen = await container.execute(`${look}; hostname; ls /bin | wc -l`);
    expect(seen.stdout.split('\n').slice(0, 3)).toEqual(original);
    expect(seen.stdout).toContain('podname');
    expect(Number(seen.stdout.trim().split('\n').at(-1))).toBeGreaterThan(10);
  });

  it('joins them although the first process covered its own /proc', async () => {
    const root = await fixture.roots.copy();
    await using container = await TestContainer.start(fixture.client, {
      root,
      run: `${look}; mkdir -p /fake/self/ns /fake/1/ns; for n in mnt uts ipc pid; do ln -s /etc/passwd /fake/1/ns/$n; done; mount --bind /fake /proc; echo ready; sleep 600`,
      process: privileged,
    });
    const original = (await container.readUntil('ready')).split('\n').slice(0, 3);
    const outcome = await container.execute(
      'ls /proc; mount -t proc proc /tmp; readlink /tmp/self/ns/mnt; umount /tmp',
      {
        process: privileged,
      },
    );
    expect(outcome.stdout).toContain('self');
    expect(outcome.stdout).toContain(original[0]);
  });

  it('fails and joins nothing once the first process is gone', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'exit 0' });
    expect(await container.wait()).toBe(0);
    for (let round = 0; round < 5; round++)
      await expectStatus(container.exec('true'), ['internal', 'not_found'], /gone|ended|first process|init/);
  });
});
