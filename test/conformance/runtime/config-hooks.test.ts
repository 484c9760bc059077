import { join } from 'node:path';
import { expect } from 'vitest';
import type { HookPoint, OciHook } from '../../support/oci-bundle.ts';
import type { OciContainer, OciRuntime, OciState } from '../../support/oci-runtime.ts';
import { section } from '../support/section.ts';

/** In the order of the lifecycle. */
const POINTS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
/** Executed in the runtime namespace. */
const OUTSIDE = ['prestart', 'createRuntime', 'poststart', 'poststop'] as const;

/** A hook that runs a script of the shell; `path` is absolute where the hook is resolved. */
const sh = (script: string): OciHook => ({ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin:/usr/bin'] });

/** A container whose hooks append to a log that is seen from both sides. */
async function logging(
  runtime: OciRuntime,
  hooks: (log: (point: HookPoint, text: string) => OciHook) => Partial<Record<HookPoint, OciHook[]>>,
  run = 'echo program >>/log',
): Promise<{ container: OciContainer; log: () => Promise<string[]> }> {
  const container = await runtime.prepare(run);
  const { path, config } = container.bundle;
  const outside = join(path, 'rootfs/log');
  await runtime.machine.write(outside, '');
  const entry = (point: HookPoint, text: string): OciHook =>
    sh(`echo ${text} >>${point === 'startContainer' ? '/log' : outside}`);
  const json = JSON.stringify({ ...config, hooks: hooks(entry) });
  await runtime.machine.write(join(path, 'config.json'), json);
  const log = async (): Promise<string[]> =>
    (await runtime.machine.read(outside)).split('\n').filter((line) => line !== '');
  return { container, log };
}

section('config.md#posix-platform-hooks', ({ operation }) => {
  operation('the six points come in the order of the lifecycle, each in its operation', async (runtime) => {
    const { container, log } = await logging(runtime, (entry) =>
      Object.fromEntries(POINTS.map((point) => [point, [entry(point, point)]])),
    );
    await container.create();
    expect(await log()).toEqual(['prestart', 'createRuntime', 'createContainer']);
    await container.start();
    await container.stopped();
    const afterStart = await log();
    expect(afterStart.slice(0, 4)).toEqual(['prestart', 'createRuntime', 'createContainer', 'startContainer']);
    // The program runs at the same time as poststart.
    expect(afterStart.slice(4).sort()).toEqual(['poststart', 'program']);
    await container.delete();
    expect((await log()).at(-1)).toBe('poststop');
  });

  for (const point of POINTS)
    operation(`hooks of one point are called in the listed order: ${point}`, async (runtime) => {
      const { container, log } = await logging(
        runtime,
        (entry) => ({ [point]: ['one', 'two', 'three'].map((text) => entry(point, text)) }),
        'true',
      );
      await container.create();
      await container.start();
      await container.stopped();
      await container.delete();
      expect(await log()).toEqual(['one', 'two', 'three']);
    });

  for (const point of POINTS)
    operation(`the state comes over stdin: ${point}`, async (runtime) => {
      const { container } = await logging(runtime, () => ({}), 'sleep 100');
      const { path, config } = container.bundle;
      const file = point === 'startContainer' ? '/seen' : join(path, 'rootfs/seen');
      const hooks = { [point]: [sh(`cat >${file}`)] };
      const annotations = { 'com.example.key': 'value' };
      await runtime.machine.write(join(path, 'config.json'), JSON.stringify({ ...config, hooks, annotations }));
      await container.create();
      const { pid } = await container.state();
      await container.start();
      await container.kill('KILL');
      await container.stopped();
      await container.delete();
      const state = JSON.parse(await runtime.machine.read(join(path, 'rootfs/seen'))) as OciState;
      expect(state).toMatchObject({ id: container.id, bundle: path, annotations });
      expect(state.ociVersion).toMatch(/^\d+\.\d+/);
      const statuses: Record<HookPoint, string[]> = {
        prestart: ['creating'],
        createRuntime: ['creating'],
        createContainer: ['creating'],
        startContainer: ['created'],
        poststart: ['running'],
        poststop: ['stopped'],
      };
      expect(statuses[point]).toContain(state.status);
      if (point === 'startContainer') expect(state.pid).toBe(1);
      else if (point !== 'poststop' && point !== 'createContainer') expect(state.pid).toBe(pid);
    });

  for (const point of OUTSIDE)
    operation(`${point} is executed in the runtime namespace`, async (runtime) => {
      const container = await runtime.prepare('true');
      const { path, config } = container.bundle;
      const names = 'for n in mnt pid uts ipc net; do readlink /proc/self/ns/$n; done';
      const hooks = { [point]: [sh(`{ ${names}; } >${path}/namespaces`)] };
      await runtime.machine.write(join(path, 'config.json'), JSON.stringify({ ...config, hooks }));
      // crun is measured in a mount namespace of its own, so "the runtime's" is asked of the same shell.
      const words = (command: string[]): string =>
        [...runtime.argv, '--root', runtime.stateFolder, ...command].join(' ');
      const { stdout } = await runtime.machine.command([
        'sh',
        '-c',
        `${words(['create', '--bundle', path, container.id])} >/dev/null 2>&1 && ${words(['start', container.id])}; ${names}`,
      ]);
      await container.stopped();
      await container.delete();
      const seen = await runtime.machine.read(join(path, 'namespaces'));
      const skipped = runtime.name === 'crun' ? 1 : 0;
      expect(seen.split('\n').slice(skipped)).toEqual(stdout.split('\n').slice(skipped));
    });

  operation(
    'createContainer is executed in the container namespace, with a path of the runtime namespace',
    async (runtime) => {
      const container = await runtime.prepare('sleep 100');
      const { path, config } = container.bundle;
      await runtime.machine.write(
        join(path, 'hook'),
        `#!/bin/sh\nreadlink /proc/self/ns/mnt >${path}/namespace\n`,
        0o755,
      );
      const hooks = { createContainer: [{ path: join(path, 'hook') }] };
      await runtime.machine.write(join(path, 'config.json'), JSON.stringify({ ...config, hooks }));
      await container.create();
      const { pid } = await container.state();
      const { stdout } = await runtime.machine.command(['readlink', `/proc/${pid}/ns/mnt`]);
      expect(await runtime.machine.read(join(path, 'namespace'))).toBe(stdout);
      await container.end();
    },
  );

  operation('startContainer is executed in the container namespace, after the root was changed', async (runtime) => {
    const container = await runtime.prepare('cat /hooked');
    const { path, config } = container.bundle;
    await runtime.machine.write(
      join(path, 'rootfs/hook'),
      '#!/bin/sh\nls /hook >/hooked; readlink /proc/self/ns/pid >>/hooked\n',
      0o755,
    );
    const hooks = { startContainer: [{ path: '/hook' }] };
    await runtime.machine.write(join(path, 'config.json'), JSON.stringify({ ...config, hooks }));
    const { stdout } = await runtime.command(['run', '--bundle', path, container.id]);
    const { stdout: ours } = await runtime.machine.command(['readlink', '/proc/self/ns/pid']);
    expect(stdout).toMatch(/^\/hook\npid:\[\d+\]\n$/);
    expect(stdout).not.toContain(ours.trim());
  });

  for (const point of ['prestart', 'createRuntime', 'createContainer'] as const)
    operation(`a ${point} hook that fails is an error of create, and the container is destroyed`, async (runtime) => {
      const { container, log } = await logging(runtime, (entry) => ({
        [point]: [sh('exit 3')],
        poststop: [entry('poststop', 'poststop')],
      }));
      await expect(container.create()).rejects.toThrow();
      expect((await runtime.command(['state', container.id])).status).not.toBe(0);
      expect(await log()).not.toContain('program');
    });

  for (const point of ['startContainer', 'poststart'] as const)
    operation(`a ${point} hook that fails is an error of start, and the container is stopped`, async (runtime) => {
      const { container, log } = await logging(
        runtime,
        () => ({ [point]: [sh('exit 3')] }),
        'echo program >>/log; sleep 100',
      );
      await container.create();
      expect((await runtime.command(['start', container.id])).status).not.toBe(0);
      const state = await runtime.command(['state', container.id]);
      if (state.status === 0) await container.stopped();
      if (point === 'startContainer') expect(await log()).toEqual([]);
    });

  operation(
    'a poststop hook that fails does not keep the others from running, nor delete from succeeding',
    async (runtime) => {
      const { container, log } = await logging(
        runtime,
        (entry) => ({ poststop: [sh('exit 3'), entry('poststop', 'still called')] }),
        'true',
      );
      await container.create();
      await container.start();
      await container.stopped();
      await container.delete();
      expect(await log()).toEqual(['still called']);
      expect((await runtime.command(['state', container.id])).status).not.toBe(0);
    },
  );

  operation('timeout ends a hook that takes longer, which is a failure', async (runtime) => {
    const { container } = await logging(runtime, () => ({ createRuntime: [{ ...sh('exec sleep 60'), timeout: 1 }] }));
    await expect(container.create()).rejects.toThrow();
  });

  operation('timeout must be greater than zero', async (runtime) => {
    for (const timeout of [0, -1])
      await runtime.refusal((config) => {
        config.hooks = { createRuntime: [{ ...sh('true'), timeout }] };
      });
  });

  operation('path must be absolute', async (runtime) => {
    await runtime.refusal((config) => {
      config.hooks = { createRuntime: [{ path: 'sh', args: ['sh', '-c', 'true'] }] };
    });
  });

  operation('args and env of a hook are what was given', async (runtime) => {
    const container = await runtime.prepare('true');
    const { path, config } = container.bundle;
    const script = `{ echo "$0 $1"; env | sort; } >${path}/seen`;
    const hook = {
      path: '/bin/sh',
      args: ['sh', '-c', script, 'zero', 'one'],
      env: ['PATH=/bin:/usr/bin', 'KEY=value'],
    };
    await runtime.machine.write(
      join(path, 'config.json'),
      JSON.stringify({ ...config, hooks: { createRuntime: [hook] } }),
    );
    await runtime.command(['run', '--bundle', path, container.id]);
    const seen = (await runtime.machine.read(join(path, 'seen'))).split('\n');
    expect(seen[0]).toBe('zero one');
    expect(seen).toContain('KEY=value');
    expect(seen.some((line) => line.startsWith('HOME='))).toBe(false);
  });
});
