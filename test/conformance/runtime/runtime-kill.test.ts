import { expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { section } from '../support/section.ts';

section('runtime.md#kill', ({ operation }) => {
  operation('kill without an id is an error', async (runtime) => {
    expect((await runtime.command(['kill'])).status).not.toBe(0);
  });

  operation('kill of a container that does not exist is an error', async (runtime) => {
    expect((await runtime.command(['kill', `${runtime.prefix}-nothing`, 'KILL'])).status).not.toBe(0);
  });

  operation('kill of a stopped container is an error', async (runtime) => {
    const container = await runtime.create('true');
    await container.start();
    await container.stopped();
    expect((await runtime.command(['kill', container.id, 'KILL'])).status).not.toBe(0);
    expect(await container.status()).toBe('stopped');
    await container.delete();
  });

  operation('kill of a created container works', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.kill('KILL');
    await container.stopped();
    await container.delete();
  });

  for (const signal of ['USR1', 'SIGUSR1', '10'])
    operation(`the signal that is sent is the one that was asked for: ${signal}`, async (runtime) => {
      const container = await runtime.create(
        'trap "echo caught; exit 0" USR1; echo ready; while :; do sleep 0.05; done',
      );
      await container.start();
      await eventually(async () => expect(await container.stdout()).toBe('ready\n'));
      await container.kill(signal);
      await container.stopped();
      expect(await container.stdout()).toBe('ready\ncaught\n');
      await container.delete();
    });

  operation('an unknown signal is an error and does not touch the container', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    for (const signal of ['NOSUCH', '-1', '4711'])
      expect((await runtime.command(['kill', container.id, signal])).status, signal).not.toBe(0);
    expect(await container.status()).toBe('running');
    await container.end();
  });
});
