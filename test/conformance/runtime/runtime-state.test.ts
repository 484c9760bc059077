import { isAbsolute } from 'node:path';
import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('runtime.md#state', ({ operation }) => {
  operation('ociVersion, id, status, pid and bundle are in the state', async (runtime) => {
    const container = await runtime.create('sleep 100');
    const state = await container.state();
    expect(state).toMatchObject({ id: container.id, status: 'created', bundle: container.bundle.path });
    expect(state.ociVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(state.pid).toBeGreaterThan(1);
    expect(isAbsolute(state.bundle)).toBe(true);
    await container.end();
  });

  operation('bundle is the absolute path when a relative one was given', async (runtime) => {
    const { id, path } = await runtime.bundle('sleep 100');
    await runtime.succeed(['create', '--bundle', '.', id], { cwd: path });
    expect(JSON.parse((await runtime.succeed(['state', id])).stdout)).toMatchObject({ bundle: path });
    await runtime.succeed(['delete', '--force', id]);
  });

  operation('status goes from created over running to stopped', async (runtime) => {
    const container = await runtime.create('read x </fifo', (config) => {
      config.process.args = ['/bin/sh', '-c', 'mkfifo /fifo; read x </fifo'];
    });
    expect(await container.status()).toBe('created');
    await container.start();
    expect(await container.status()).toBe('running');
    await container.kill('KILL');
    await container.stopped();
    await container.delete();
  });

  operation('pid is the process of the container as the runtime sees it', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    const { pid } = await container.state();
    const status = await runtime.machine.read(`/proc/${pid}/status`);
    expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m);
    await container.end();
  });

  operation('annotations are those of the configuration', async (runtime) => {
    const annotations = { 'com.example.key': 'value', 'com.example.empty': '' };
    const container = await runtime.create('sleep 100', (config) => {
      config.annotations = annotations;
    });
    expect((await container.state()).annotations).toMatchObject(annotations);
    await container.end();
  });

  operation('id is unique: two containers have two states', async (runtime) => {
    const first = await runtime.create('sleep 100');
    const second = await runtime.create('sleep 100');
    expect((await first.state()).pid).not.toBe((await second.state()).pid);
    await first.end();
    expect(await second.status()).toBe('created');
    await second.end();
  });
});
