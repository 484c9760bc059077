import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('runtime.md#errors', ({ operation }) => {
  operation('a failed create leaves the environment as it was', async (runtime) => {
    await runtime.refusal((config) => config.mounts.push({ destination: '/x', type: 'no-such-fs', source: 'x' }));
    await runtime.verify();
  });

  operation('a create that fails late leaves the environment as it was', async (runtime) => {
    await runtime.refusal((config) => {
      config.process.cwd = '/bin/busybox';
    });
    await runtime.verify();
  });

  operation('the id of a failed create can be used at once', async (runtime) => {
    const container = await runtime.prepare('echo again', (config) => {
      config.root.path = 'nothing-here';
    });
    await expect(container.create()).rejects.toThrow();
    const { path, config } = container.bundle;
    await runtime.machine.write(`${path}/config.json`, JSON.stringify({ ...config, root: { path: 'rootfs' } }));
    await container.create();
    await container.start();
    await container.stopped();
    expect(await container.stdout()).toBe('again\n');
    await container.delete();
  });

  operation('a failed operation on one container does not change another', async (runtime) => {
    const bystander = await runtime.create('sleep 100');
    const before = await bystander.state();
    await runtime.refusal((config) => config.mounts.push({ destination: '/x', type: 'no-such-fs', source: 'x' }));
    await runtime.command(['start', 'no-such-container']);
    expect(await bystander.state()).toEqual(before);
    await bystander.end();
  });
});
