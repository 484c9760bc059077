import { expect } from 'vitest';
import { statusField } from '../support/facts.ts';
import { section } from '../support/section.ts';

section('config.md#user', ({ promise, operation }) => {
  promise('uid and gid are those of the process, in all four places', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/status', (config) => {
      config.process.user = { uid: 1234, gid: 5678 };
    });
    expect(statusField(stdout, 'Uid').split(/\s+/)).toEqual(Array(4).fill('1234'));
    expect(statusField(stdout, 'Gid').split(/\s+/)).toEqual(Array(4).fill('5678'));
  });

  promise('additionalGids are the supplementary groups, and nothing else is', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/status', (config) => {
      config.process.user = { uid: 1234, gid: 5678, additionalGids: [5, 6, 70000] };
    });
    expect(statusField(stdout, 'Groups').split(/\s+/)).toEqual(['5', '6', '70000']);
  });

  promise('without additionalGids the groups of the runtime are not inherited', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/status', (config) => {
      config.process.user = { uid: 1234, gid: 5678 };
    });
    expect(['', '5678']).toContain(statusField(stdout, 'Groups'));
  });

  promise('umask', async (runner) => {
    const { stdout } = await runner.run('umask', (config) => {
      config.process.user = { uid: 0, gid: 0, umask: 0o27 };
    });
    expect(stdout).toBe('0027\n');
  });

  operation('an exec has the user of its own process description', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    const { stdout } = await container.execProcess({ args: ['/bin/busybox', 'id', '-u'], user: { uid: 77, gid: 88 } });
    expect(stdout).toBe('77\n');
    await container.end();
  });

  promise('a negative id is an error', async (runner) => {
    await runner.refusal((config) => {
      config.process.user = { uid: -1, gid: 0 };
    });
  });
});
