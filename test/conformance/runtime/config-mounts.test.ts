import { expect } from 'vitest';
import { mount } from '../../support/oci-bundle.ts';
import { mountAt, parseMounts } from '../support/facts.ts';
import { section } from '../support/section.ts';

section('config.md#mounts', ({ promise, operation }) => {
  promise('mounts appear in the listed order', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/a', 'tmpfs', 'one'), mount('/b', 'tmpfs', 'two'), mount('/a/in', 'tmpfs', 'three'));
    });
    const mine = parseMounts(stdout).filter(({ source }) => ['one', 'two', 'three'].includes(source));
    expect(mine.map(({ mountPoint }) => mountPoint)).toEqual(['/a', '/b', '/a/in']);
  });

  promise('a later mount covers an earlier one at the same place', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/a', 'tmpfs', 'under'), mount('/a', 'tmpfs', 'over'));
    });
    expect(mountAt(stdout, '/a').source).toBe('over');
  });

  promise('a relative destination is relative to /', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('relative/place', 'tmpfs', 'tmpfs'));
    });
    expect(mountAt(stdout, '/relative/place').type).toBe('tmpfs');
  });

  promise('a missing mount point is made', async (runner) => {
    const { stdout } = await runner.run('ls -d /deep/er/place', (config) => {
      config.mounts.push(mount('/deep/er/place', 'tmpfs', 'tmpfs'));
    });
    expect(stdout).toBe('/deep/er/place\n');
  });

  promise('destination is required', async (runner) => {
    await runner.refusal((config) => config.mounts.push({ type: 'tmpfs', source: 'x' } as never));
  });

  promise('a file system that the kernel does not know is an error', async (runner) => {
    await runner.refusal((config) => config.mounts.push(mount('/x', 'no-such-fs', 'x')));
  });

  operation('a bind source may be absolute, and relative to the bundle', async (runtime) => {
    const { path } = await runtime.bundle('true');
    await runtime.machine.write(`${path}/data/file`, 'absolute\n');
    const outcome = await runtime.run('cat /absolute/file', (config) => {
      config.mounts.push(mount('/absolute', 'bind', `${path}/data`, 'rbind'));
    });
    expect(outcome.stdout).toBe('absolute\n');
    const container = await runtime.prepare('cat /relative/file', (config) => {
      config.mounts.push(mount('/relative', 'bind', 'data', 'bind'));
    });
    await runtime.machine.write(`${container.bundle.path}/data/file`, 'relative\n');
    const run = await runtime.command(['run', '--bundle', container.bundle.path, container.id]);
    expect(run.stdout).toBe('relative\n');
  });

  operation('a mount is a bind mount if its options say so, whatever its type', async (runtime) => {
    const { path } = await runtime.bundle('true');
    await runtime.machine.write(`${path}/file`, 'bound\n');
    for (const type of ['none', 'bind', 'tmpfs', undefined]) {
      const { stdout } = await runtime.run('cat /bound', (config) => {
        const entry = { destination: '/bound', source: `${path}/file`, options: ['bind'] };
        config.mounts.push(type === undefined ? entry : { ...entry, type });
      });
      expect(stdout, type).toBe('bound\n');
    }
  });

  operation('a bind source that does not exist is an error', async (runtime) => {
    await runtime.refusal((config) => config.mounts.push(mount('/x', 'bind', '/no/such/source', 'bind')));
  });

  operation('a destination that leaves the root through a link stays inside', async (runtime) => {
    const container = await runtime.prepare('cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/link/inside', 'tmpfs', 'caught'));
    });
    const { path } = container.bundle;
    await runtime.machine.command(['ln', '-s', '../../../../../../../../tmp', `${path}/rootfs/link`]);
    const { stdout } = await runtime.command(['run', '--bundle', path, container.id]);
    expect(parseMounts(stdout).find(({ source }) => source === 'caught')?.mountPoint).toBe('/tmp/inside');
    expect((await runtime.machine.command(['ls', '/tmp/inside'])).status).not.toBe(0);
  });
});
