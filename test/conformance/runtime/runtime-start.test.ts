import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('runtime.md#start', ({ operation }) => {
  operation('start without an id is an error', async (runtime) => {
    expect((await runtime.command(['start'])).status).not.toBe(0);
  });

  operation('start of a container that does not exist is an error', async (runtime) => {
    expect((await runtime.command(['start', `${runtime.prefix}-nothing`])).status).not.toBe(0);
  });

  operation('start runs the program', async (runtime) => {
    const container = await runtime.create('echo "I run"');
    await container.start();
    await container.stopped();
    expect(await container.stdout()).toBe('I run\n');
    await container.delete();
  });

  operation('start of a running container is an error and does not touch it', async (runtime) => {
    const container = await runtime.create('echo once; sleep 100');
    await container.start();
    const before = await container.state();
    expect((await runtime.command(['start', container.id])).status).not.toBe(0);
    expect(await container.state()).toEqual(before);
    await container.end();
  });

  operation('start of a stopped container is an error and does not run it again', async (runtime) => {
    const container = await runtime.create('echo once');
    await container.start();
    await container.stopped();
    expect((await runtime.command(['start', container.id])).status).not.toBe(0);
    expect(await container.status()).toBe('stopped');
    expect(await container.stdout()).toBe('once\n');
    await container.delete();
  });

  operation('a configuration without process is an error at start at the latest', async (runtime) => {
    await runtime.refusal((config) => Reflect.deleteProperty(config, 'process'));
  });

  operation('a program that does not exist is an error', async (runtime) => {
    await runtime.refusal(() => undefined, ['/no/such/program']);
  });

  operation('a program that may not be executed is an error', async (runtime) => {
    await runtime.refusal(() => undefined, ['/etc']);
  });
});
