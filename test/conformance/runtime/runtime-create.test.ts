import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('runtime.md#create', ({ operation }) => {
  operation('create without an id is an error', async (runtime) => {
    const { path } = await runtime.bundle('true');
    expect((await runtime.command(['create', '--bundle', path])).status).not.toBe(0);
  });

  operation('create of a bundle that does not exist is an error', async (runtime) => {
    const id = `${runtime.prefix}-nowhere`;
    const outcome = await runtime.command(['create', '--bundle', `${runtime.machine.folder}/nowhere`, id]);
    expect(outcome.status).not.toBe(0);
    expect((await runtime.command(['state', id])).status).not.toBe(0);
  });

  operation('create of a bundle without config.json is an error', async (runtime) => {
    const { path, id } = await runtime.bundle('true');
    await runtime.machine.command(['rm', `${path}/config.json`]);
    expect((await runtime.command(['create', '--bundle', path, id])).status).not.toBe(0);
  });

  operation('an id that is in use is an error, and the container that has it goes on', async (runtime) => {
    const container = await runtime.create('sleep 100');
    const before = await container.state();
    const other = await runtime.bundle('true');
    expect((await runtime.command(['create', '--bundle', other.path, container.id])).status).not.toBe(0);
    expect(await container.state()).toEqual(before);
    await container.end();
  });

  for (const id of ['', '.', '..', '../escape', 'a/b', '/absolute', 'sp ace', 'new\nline'])
    operation(`the id ${JSON.stringify(id)} is not valid and an error`, async (runtime) => {
      const { path } = await runtime.bundle('true');
      expect((await runtime.command(['create', '--bundle', path, id])).status).not.toBe(0);
    });

  operation('a property that cannot be applied is an error, and no container is created', async (runtime) => {
    expect(
      await runtime.refusal((config) => {
        config.linux.sysctl = { 'kernel.no_such_parameter': '1' };
      }),
    ).not.toBe('');
  });

  operation('config.json that is not JSON is an error', async (runtime) => {
    const { path, id } = await runtime.bundle('true');
    for (const text of ['', '{', '[]', 'null', '{"ociVersion": "1.0.2"'] as const) {
      await runtime.machine.write(`${path}/config.json`, text);
      expect((await runtime.command(['create', '--bundle', path, id])).status, text).not.toBe(0);
    }
  });

  operation('--pid-file holds the pid of the state', async (runtime) => {
    const container = await runtime.prepare('sleep 100');
    const file = `${container.bundle.path}/pid`;
    await container.create(['--pid-file', file]);
    expect(Number(await runtime.machine.read(file))).toBe((await container.state()).pid);
    await container.end();
  });
});
