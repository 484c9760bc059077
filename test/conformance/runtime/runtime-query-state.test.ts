import { expect } from 'vitest';
import { quote } from '../../support/oci-runtime.ts';
import { section } from '../support/section.ts';

section('runtime.md#query-state', ({ operation }) => {
  operation('state without an id is an error', async (runtime) => {
    expect((await runtime.command(['state'])).status).not.toBe(0);
  });

  operation('state of a container that does not exist is an error', async (runtime) => {
    expect((await runtime.command(['state', `${runtime.prefix}-nothing`])).status).not.toBe(0);
  });

  operation('state of a deleted container is an error', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.end();
    expect((await runtime.command(['state', container.id])).status).not.toBe(0);
  });

  operation('state is JSON as the schema has it: names and types of its properties', async (runtime) => {
    const container = await runtime.create('sleep 100');
    const state: unknown = await container.state();
    expect(state).toMatchObject({
      ociVersion: expect.any(String) as string,
      id: expect.any(String) as string,
      status: expect.stringMatching(/^(creating|created|running|stopped)$/) as string,
      pid: expect.any(Number) as number,
      bundle: expect.any(String) as string,
    });
    await container.end();
  });

  operation('a hook of create that asks is told that the container is being created', async (runtime) => {
    const container = await runtime.prepare('sleep 100');
    const { path, config } = container.bundle;
    const ask = [...runtime.argv, '--root', runtime.stateFolder, 'state', container.id].map(quote).join(' ');
    const hook = {
      path: '/bin/sh',
      args: ['sh', '-c', `${ask} >${path}/asked`],
      env: ['PATH=/usr/sbin:/usr/bin:/bin'],
    };
    const hooks = { createRuntime: [hook] };
    await runtime.machine.write(`${path}/config.json`, JSON.stringify({ ...config, hooks }));
    await container.create();
    const asked = JSON.parse(await runtime.machine.read(`${path}/asked`)) as { status: string };
    expect(asked.status).toBe('creating');
    expect(await container.status()).toBe('created');
    await container.end();
  });
});
