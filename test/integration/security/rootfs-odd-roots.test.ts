import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EPHEMERAL, useAgent } from '../../support/agent/agent-fixture.ts';
import { describeTree } from '../../support/agent/canary.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

describe('MNT-13: a root that holds nothing, or what is not the container’s', () => {
  const fixture = useAgent();

  it('empty: the create fails with the name of the program, and the folder is empty still', async () => {
    const root = join(fixture.roots.folder, 'nothing');
    mkdirSync(root);
    const create = TestContainer.create(fixture.client, { root, run: ['/bin/sh'] });
    await expectStatus(create, ['internal', 'not_found', 'failed_precondition'], '/bin/sh');
    expect(readdirSync(root)).toEqual([]);
  });

  it('the agent’s own folders are refused, or contained and left as they are', async () => {
    const before = describeTree(fixture.agent.path('/run'));
    for (const root of ['/run', '/run/kata-containers', EPHEMERAL, '/proc', '/sys', '/sys/fs/cgroup', '/dev']) {
      const create = TestContainer.create(fixture.client, { root, run: ['/bin/sh'] });
      await expectStatus(create, ['internal', 'not_found', 'failed_precondition', 'invalid_argument']);
    }
    expect(describeTree(fixture.agent.path('/run'))).toEqual(before);
  });
});

describe('MNT-13: a root for kihon-oci', () => {
  const fixture = useOwnRuntime();

  it.each(['/', '', 'missing', 'file', 'empty', '../../state'])('(%j) that is none is refused', async (path) => {
    const container = await fixture.runtime.prepare('true', (config) => (config.root.path = path));
    const { bundle } = container;
    mkdirSync(join(bundle.path, 'empty'));
    writeFileSync(join(bundle.path, 'file'), '');
    const { status, stderr } = await fixture.runtime.command(['create', '--bundle', bundle.path, container.id]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/root|ENOENT|ENOTDIR|not found/);
    expect(readdirSync(join(bundle.path, 'empty'))).toEqual([]);
  });
});

describe('MNT-19: what cannot be cleaned up', () => {
  const fixture = useAgent();

  it('is reported, is not deleted, and does not keep the container', async () => {
    const { client, root, agent } = fixture;
    const place = `${EPHEMERAL}/busy`;
    const container = await TestContainer.start(client, {
      root,
      request: {
        storages: [{ driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point: place }],
      },
    });
    const inAgent = (script: string) =>
      execFileSync('nsenter', ['-t', String(agent.pid), '-m', 'sh', '-c', script], { encoding: 'utf8' });
    inAgent(`echo precious > ${place}/file`);
    // Somebody stands in it: an ordinary unmount is busy.
    const script = `cd ${place} && exec sleep 30`;
    const holder = execFileSync(
      'nsenter',
      ['-t', String(agent.pid), '-m', 'sh', '-c', `(${script}) >/dev/null 2>&1 & echo $!`],
      { encoding: 'utf8' },
    );
    try {
      expect(Number(holder)).toBeGreaterThan(1);
      await container.remove().catch((error: unknown) => expect(String(error)).toContain('busy'));
      await expectStatus(container.stats(), 'not_found');
      const text = execFileSync('cat', [`/proc/${holder.trim()}/cwd/file`], { encoding: 'utf8' });
      expect(text).toBe('precious\n');
    } finally {
      process.kill(Number(holder), 'SIGKILL');
      inAgent(`umount -l ${place} 2>/dev/null; rmdir ${place} 2>/dev/null; true`);
    }
    expect(await TestContainer.run(client, { root, run: 'exit 4' })).toMatchObject({ status: 4 });
  });
});
