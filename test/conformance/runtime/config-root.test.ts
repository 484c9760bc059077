import { expect } from 'vitest';
import { mountAt } from '../support/facts.ts';
import { section } from '../support/section.ts';

section('config.md#root', ({ promise, operation }) => {
  promise('root.path relative to the bundle is the root directory', async (runner) => {
    const { stdout } = await runner.run('ls /bin/busybox; readlink /proc/self/root');
    expect(stdout).toBe('/bin/busybox\n/\n');
  });

  operation('root.path may be absolute', async (runtime) => {
    const other = await runtime.bundle('true');
    const outcome = await runtime.run('ls /bin/busybox', (config) => {
      config.root.path = `${other.path}/rootfs`;
    });
    expect(outcome.stdout).toBe('/bin/busybox\n');
  });

  promise('root is required', async (runner) => {
    await runner.refusal((config) => Reflect.deleteProperty(config, 'root'));
  });

  promise('a directory must exist at root.path', async (runner) => {
    await runner.refusal((config) => {
      config.root.path = 'nothing-here';
    });
    await runner.refusal((config) => {
      config.root.path = 'rootfs/bin/busybox';
    });
  });

  promise('the root is read-only when root.readonly is true', async (runner) => {
    const { stdout, stderr } = await runner.run('touch /x; cat /proc/self/mountinfo', (config) => {
      config.root.readonly = true;
    });
    expect(stderr).toContain('Read-only file system');
    expect(mountAt(stdout, '/').options).toContain('ro');
  });

  promise('what is mounted below a read-only root stays writable', async (runner) => {
    const { stdout } = await runner.run('echo text >/dev/shm/x && cat /dev/shm/x', (config) => {
      config.root.readonly = true;
    });
    expect(stdout).toBe('text\n');
  });

  promise('the root is writable when root.readonly is false or absent', async (runner) => {
    for (const readonly of [false, undefined]) {
      const { stdout } = await runner.run('echo text >/x && cat /x', (config) => {
        if (readonly !== undefined) config.root.readonly = readonly;
      });
      expect(stdout).toBe('text\n');
    }
  });
});
