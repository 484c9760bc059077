import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('runtime.md#delete', ({ operation }) => {
  operation('delete without an id is an error', async (runtime) => {
    expect((await runtime.command(['delete'])).status).not.toBe(0);
  });

  operation('delete of a container that does not exist is an error', async (runtime) => {
    expect((await runtime.command(['delete', `${runtime.prefix}-nothing`])).status).not.toBe(0);
  });

  operation('delete of a created container is an error and does not touch it', async (runtime) => {
    const container = await runtime.create('sleep 100');
    const before = await container.state();
    expect((await runtime.command(['delete', container.id])).status).not.toBe(0);
    expect(await container.state()).toEqual(before);
    await container.end();
  });

  operation('delete of a running container is an error and does not touch it', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    const before = await container.state();
    expect((await runtime.command(['delete', container.id])).status).not.toBe(0);
    expect(await container.state()).toEqual(before);
    await container.end();
  });

  operation('delete removes the resources that create made', async (runtime) => {
    const container = await runtime.create('true');
    await container.start();
    await container.stopped();
    await container.delete();
    await runtime.verify();
  });

  operation('delete leaves what the container did not create: its bundle and root file system', async (runtime) => {
    const container = await runtime.create('echo kept >/kept');
    await container.start();
    await container.stopped();
    await container.delete();
    expect(await runtime.machine.read(`${container.bundle.path}/rootfs/kept`)).toBe('kept\n');
    await runtime.machine.read(`${container.bundle.path}/config.json`);
  });

  operation('the id can be used again', async (runtime) => {
    const container = await runtime.create('echo twice');
    await container.start();
    await container.stopped();
    await container.delete();
    await container.create();
    expect(await container.status()).toBe('created');
    await container.end();
  });

  operation('delete --force ends and removes a running container', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    await runtime.succeed(['delete', '--force', container.id]);
    expect((await runtime.command(['state', container.id])).status).not.toBe(0);
  });
});
