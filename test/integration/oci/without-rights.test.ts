import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBusyboxRoot } from '../../../rootfs-builder/src/busybox/create-busybox-root.ts';
import type { OciConfig } from '../../support/oci-bundle.ts';
import { releaseAgent, runtimeOf } from '../../support/repository.ts';

/** The overflow user: has nothing, and no range of ids. */
const NOBODY = 65534;

/** `kihon-oci` of an ordinary user, to whom no cgroup was given. */
describe('without rights', () => {
  let folder = '';

  const run = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(join(folder, 'kihon-oci'), ['--root', join(folder, 'state'), ...args], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    });

  const configure = (change: (config: OciConfig & { linux: Record<string, unknown> }) => void): void => {
    const path = join(folder, 'config.json');
    rmSync(path, { force: true });
    expect(run('spec', '--rootless')).toMatchObject({ status: 0 });
    const config = JSON.parse(readFileSync(path, 'utf8')) as OciConfig & { linux: Record<string, unknown> };
    config.process.terminal = false;
    config.process.args = ['/bin/echo', 'here'];
    change(config);
    writeFileSync(path, JSON.stringify(config));
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kihon-without-rights-'));
    copyFileSync(runtimeOf(releaseAgent), join(folder, 'kihon-oci'));
    mkdirSync(join(folder, 'rootfs'));
    await createBusyboxRoot(join(folder, 'rootfs'));
    chmodSync(folder, 0o777);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('a container needs no cgroup', () => {
    configure(() => undefined);
    expect(run('run', 'plain')).toMatchObject({ status: 0, stdout: 'here\n' });
  });

  it('a limit needs one', () => {
    configure((config) => (config.linux['resources'] = { pids: { limit: 10 } }));
    const { status, stderr } = run('run', 'limited');
    expect(status).toBe(1);
    expect(stderr).toContain('cgroup');
  });

  it('what no cgroup could do is refused without one, too', () => {
    configure((config) => (config.linux['resources'] = { memory: { swappiness: 10 } }));
    const { status, stderr } = run('--cgroup-manager', 'disabled', 'run', 'swappy');
    expect(status).toBe(1);
    expect(stderr).toContain('memory.swappiness');
  });

  it('options for a file system on a bind are said to have no effect', () => {
    configure((config) => {
      const mounts = config['mounts'] as { destination: string; type: string; source: string; options: string[] }[];
      const options = ['rbind', 'mode=755', 'sync'];
      mounts.push({ destination: '/home', type: 'bind', source: '/etc', options });
    });
    const { status, stdout, stderr } = run('run', 'bound');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'here\n' });
    expect(stderr).toContain('"mode=755" has no effect on a bind mount');
    expect(stderr).toContain('"sync" has no effect on a bind mount');
  });
});
