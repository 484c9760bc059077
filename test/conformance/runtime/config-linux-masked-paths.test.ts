import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('config-linux.md#masked-paths', ({ promise }) => {
  promise('a masked file reads as empty', async (runner) => {
    const { stdout } = await runner.run('cat /proc/kcore | wc -c; cat /proc/keys | wc -c', (config) => {
      config.linux.maskedPaths = ['/proc/kcore', '/proc/keys'];
    });
    expect(stdout).toBe('0\n0\n');
  });

  promise('a masked folder is empty and not writable', async (runner) => {
    const { stdout, stderr } = await runner.run('ls /bin/sub /proc/irq | grep -v :; echo x >/proc/irq/x', (config) => {
      config.linux.maskedPaths = ['/proc/irq'];
    });
    expect(stdout.trim()).toBe('');
    expect(stderr).toContain('Read-only file system');
  });

  promise('a path that is not there is passed over', async (runner) => {
    const { stdout } = await runner.run('echo fine', (config) => {
      config.linux.maskedPaths = ['/proc/no-such-file', '/nowhere/at/all'];
    });
    expect(stdout).toBe('fine\n');
  });

  promise('a path that is not absolute is an error', async (runner) => {
    await runner.refusal((config) => {
      config.linux.maskedPaths = ['proc/kcore'];
    });
  });
});
