import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { exitOf, processesOf, useRuntime } from '../../support/oci.ts';
import { failpointAgent } from '../../support/repository.ts';

const runtime = useRuntime(failpointAgent);

/** Where `create` may die, in the order of its work. */
const createSteps = [
  ...['runtime.directory', 'runtime.config', 'runtime.first-state', 'spawn.child', 'init.start', 'init.attach-root'],
  ...['init.mount', 'init.pivot-root', 'init.ready', 'runtime.prepared', 'runtime.new-state', 'runtime.created'],
  'runtime.detached',
];

async function crash(args: readonly string[], step: string): Promise<number> {
  const child = runtime().spawn(args, 'ignore', { KIHON_FAILPOINTS: `${step}=kill` });
  return await exitOf(child);
}

describe('a crash', () => {
  it.each(createSteps)('of create at %s leaves what delete --force cleans', async (step) => {
    const container = await runtime().prepare('sleep 100');
    const code = await crash(['create', '--bundle', container.bundle.path, container.id], step);
    // When the new process dies the command lives to tell it.
    expect(code).toBe(step.startsWith('runtime.') ? 137 : 1);
    await runtime().succeed(['delete', '--force', container.id]);
    expect(existsSync(join(runtime().stateFolder, container.id))).toBe(false);
    await runtime().verify();
  });

  it.each(createSteps)('of create at %s leaves no process that nobody knows', async (step) => {
    const container = await runtime().prepare('sleep 100');
    await crash(['create', '--bundle', container.bundle.path, container.id], step);
    const state = await runtime().command(['state', container.id]);
    if (state.status !== 0 || (JSON.parse(state.stdout) as { status: string }).status === 'stopped') {
      await eventually(async () => {
        const { stdout } = await runtime().machine.command([
          'sh',
          '-c',
          `grep -sl ${container.id}$ /proc/[0-9]*/cgroup; true`,
        ]);
        expect(stdout).toBe('');
      });
    }
  });

  it.each(createSteps)('of run at %s leaves what delete --force cleans', async (step) => {
    const container = await runtime().prepare('sleep 100');
    if (step === 'runtime.detached') return;
    await crash(['run', '--detach', '--bundle', container.bundle.path, container.id], step);
    await runtime().succeed(['delete', '--force', container.id]);
    await runtime().verify();
  });

  it.each(createSteps)('of run without a cgroup at %s leaves a directory and no process', async (step) => {
    // Of such a container the state is written once.
    if (step === 'runtime.new-state') return;
    const container = await runtime().prepare('sleep 100');
    const args = ['--cgroup-manager=disabled', 'run', '--detach', '--bundle', container.bundle.path, container.id];
    const code = await crash(args, step);
    expect(code).toBe(step.startsWith('runtime.') ? 137 : 1);
    await runtime().succeed(['delete', '--force', container.id]);
    expect(existsSync(join(runtime().stateFolder, container.id))).toBe(false);
    await runtime().verify();
  });

  it.each(['spawn.child', 'init.start', 'init.attach-root', 'init.mount', 'init.ready'])(
    'of create while the new process is at %s ends that one too',
    async (step) => {
      const container = await runtime().prepare('sleep 100');
      const go = join(container.bundle.path, 'go');
      const args = ['create', '--bundle', container.bundle.path, container.id];
      const child = runtime().spawn(args, 'ignore', { KIHON_FAILPOINTS: `${step}=pause:${go}` });
      await eventually(() => expect(processesOf(container)).not.toEqual([]));
      child.kill('SIGKILL');
      await exitOf(child);
      // In its own root the path may be out of sight; the end of its maker must be enough then.
      writeFileSync(go, '');
      await runtime().succeed(['delete', '--force', container.id]);
      await runtime().verify();
    },
  );

  it('of delete leaves what delete --force cleans', async () => {
    const container = await runtime().create('true');
    await container.start();
    await container.stopped();
    expect(await crash(['delete', container.id], 'runtime.remove-cgroup')).toBe(137);
    await runtime().succeed(['delete', '--force', container.id]);
  });

  it('of the foreground command leaves the container to others', async () => {
    const container = await runtime().prepare('sleep 100');
    const child = runtime().spawn(['run', '--bundle', container.bundle.path, container.id], 'ignore');
    await eventually(async () => expect(await container.status()).toBe('running'));
    child.kill('SIGKILL');
    await exitOf(child);
    expect(await container.status()).toBe('running');
    await container.end();
  });
});

describe('a damaged state', () => {
  it.each([
    ['cut off', (file: string) => truncateSync(file, 20)],
    ['empty', (file: string) => truncateSync(file, 0)],
    ['gone', (file: string) => rmSync(file)],
    ['no JSON', (file: string) => writeFileSync(file, '\0\0\0')],
    [
      'of another container',
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('"id":"', '"id":"x')),
    ],
  ])('(%s) is an error for every command and removed by delete --force', async (_, damage) => {
    const container = await runtime().create('true');
    await container.start();
    await container.stopped();
    const folder = join(runtime().stateFolder, container.id);
    // The cgroup is named by the state only; it goes before that is lost.
    await runtime().machine.command([
      'sh',
      '-c',
      `rmdir /sys/fs/cgroup/${container.id} /sys/fs/cgroup/unified/${container.id}`,
    ]);
    damage(join(folder, 'state.json'));
    for (const args of [['start'], ['kill'], ['pause'], ['exec']]) {
      const command = [...args, container.id, ...(args[0] === 'exec' ? ['true'] : [])];
      expect((await runtime().command(command)).status, command.join(' ')).not.toBe(0);
    }
    await runtime().succeed(['delete', '--force', container.id]);
    expect(existsSync(folder)).toBe(false);
  });

  it('a directory that holds something else can be removed too', async () => {
    const folder = join(runtime().stateFolder, 'strange');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'leftover'), '');
    await runtime().succeed(['delete', '--force', 'strange']);
    expect(existsSync(folder)).toBe(false);
  });
});
