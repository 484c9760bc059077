import { expect } from 'vitest';
import { mountAt } from '../support/facts.ts';
import { section } from '../support/section.ts';

section('config-linux.md#default-filesystems', ({ promise }) => {
  for (const [path, type] of [
    ['/proc', 'proc'],
    ['/sys', 'sysfs'],
    ['/dev/pts', 'devpts'],
    ['/dev/shm', 'tmpfs'],
  ] as const)
    promise(`${path} is a ${type}`, async (runner) => {
      const { stdout } = await runner.run('cat /proc/self/mountinfo');
      expect(mountAt(stdout, path).type).toBe(type);
    });

  promise('/proc is that of the container: it shows its processes only', async (runner) => {
    const { stdout } = await runner.run('ls /proc | grep -c "^[0-9]"');
    expect(Number(stdout)).toBeLessThan(5);
  });
});
