import { join } from 'node:path';
import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('runtime.md#lifecycle', ({ operation }) => {
  operation('the program is not run before start (step 2)', async (runtime) => {
    const container = await runtime.create('touch /ran; echo ran');
    expect(await container.stdout()).toBe('');
    await expect(runtime.machine.read(join(container.bundle.path, 'rootfs/ran'))).rejects.toThrow();
    await container.start();
    await container.stopped();
    expect(await container.stdout()).toBe('ran\n');
    await container.delete();
  });

  operation('the environment is there before start: namespaces, root and mounts (step 2)', async (runtime) => {
    const container = await runtime.create('sleep 100', (config) => {
      config.hostname = 'made-by-create';
    });
    const { pid } = await container.state();
    const machine = runtime.machine;
    const link = async (who: string, name: string): Promise<string> =>
      (await machine.command(['readlink', `/proc/${who}/ns/${name}`])).stdout;
    for (const name of ['pid', 'net', 'ipc', 'uts', 'mnt'])
      expect(await link(String(pid), name), name).not.toBe(await link('self', name));
    expect(await machine.read(`/proc/${pid}/mountinfo`)).toContain(' /dev/shm ');
    await container.end();
  });

  operation('changes of config.json after create have no effect (step 2)', async (runtime) => {
    const container = await runtime.create('echo first');
    const { path, config } = container.bundle;
    const changed = { ...config, process: { ...config.process, args: ['/bin/echo', 'second'] } };
    await runtime.machine.write(join(path, 'config.json'), JSON.stringify(changed));
    await container.start();
    await container.stopped();
    expect(await container.stdout()).toBe('first\n');
    await container.delete();
  });

  operation('the container is stopped when its process has exited (step 10)', async (runtime) => {
    for (const program of ['exit 0', 'exit 3', 'kill -9 $$']) {
      const container = await runtime.create(program);
      await container.start();
      await container.stopped();
      await container.delete();
    }
  });

  operation('run gives the exit status of the program', async (runtime) => {
    expect((await runtime.run('exit 0')).status).toBe(0);
    expect((await runtime.run('exit 42')).status).toBe(42);
  });

  operation('delete undoes what create did (step 12)', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.end();
    expect((await runtime.command(['state', container.id])).status).not.toBe(0);
    await runtime.verify();
  });
});
