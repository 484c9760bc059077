import { expect } from 'vitest';
import { CGROUPS } from '../support/limits.ts';
import { section } from '../support/section.ts';

section('config-linux.md#cgroups-path', ({ operation }) => {
  operation(
    'an absolute path is relative to the cgroup mount point',
    async (runtime) => {
      const container = await runtime.create('sleep 100', (config) => {
        config.linux.cgroupsPath = `/${runtime.prefix}-deep/er`;
      });
      const { pid } = await container.state();
      expect(await runtime.machine.read(`/proc/${pid}/cgroup`)).toBe(`0::/${runtime.prefix}-deep/er\n`);
      await container.end();
      await runtime.machine.command(['rmdir', `${CGROUPS}/${runtime.prefix}-deep`]);
    },
    { vm: true },
  );

  operation(
    'without cgroupsPath there is a cgroup of its own, and it goes with the container',
    async (runtime) => {
      const container = await runtime.create('sleep 100', (config) => {
        Reflect.deleteProperty(config.linux, 'cgroupsPath');
      });
      const { pid } = await container.state();
      const path = (await runtime.machine.read(`/proc/${pid}/cgroup`)).trim().replace('0::', '');
      expect(path).not.toBe('/');
      await container.end();
      expect((await runtime.machine.command(['ls', `${CGROUPS}${path}`])).status).not.toBe(0);
    },
    { vm: true },
  );

  operation('the same path twice is the same place, and a cgroup that is in use is an error', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await runtime.refusal((config) => {
      config.linux.cgroupsPath = `/${container.id}`;
    });
    await container.end();
  });

  operation('a path that leaves the hierarchy stays inside or is an error', async (runtime) => {
    const outcome = await runtime.run('cat /proc/self/cgroup', (config) => {
      config.linux.cgroupsPath = `/../../${runtime.prefix}-up`;
    });
    expect(outcome.stdout).not.toContain('..');
  });

  operation('a cgroup namespace shows the cgroup as the root', async (runtime) => {
    const { stdout } = await runtime.run('cat /proc/self/cgroup', (config) => {
      config.linux.namespaces.push({ type: 'cgroup' });
    });
    expect(stdout).toMatch(/^0::\/$/m);
  });
});
