import { expect } from 'vitest';
import { mountAt } from '../support/facts.ts';
import { section } from '../support/section.ts';

section('config-linux.md#readonly-paths', ({ promise }) => {
  promise('a readonly path cannot be written', async (runner) => {
    const { stdout, stderr } = await runner.run(
      'echo 1 >/proc/sys/net/ipv4/ip_forward; cat /proc/self/mountinfo',
      (config) => {
        config.linux.readonlyPaths = ['/proc/sys'];
      },
    );
    expect(stderr).toContain('Read-only file system');
    expect(mountAt(stdout, '/proc/sys').options).toContain('ro');
  });

  promise('what is beside it stays writable', async (runner) => {
    const { stdout } = await runner.run('echo text >/dev/shm/x && cat /dev/shm/x', (config) => {
      config.linux.readonlyPaths = ['/proc/sys', '/bin'];
    });
    expect(stdout).toBe('text\n');
  });

  promise('a path that is not there is passed over', async (runner) => {
    const { stdout } = await runner.run('echo fine', (config) => {
      config.linux.readonlyPaths = ['/proc/no-such-file'];
    });
    expect(stdout).toBe('fine\n');
  });

  promise('a path that is not absolute is an error', async (runner) => {
    await runner.refusal((config) => {
      config.linux.readonlyPaths = ['proc/sys'];
    });
  });
});
