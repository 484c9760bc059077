import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { exitOf, useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();

const commandNames = [
  ...['create', 'start', 'run', 'exec', 'state', 'list', 'ps', 'kill', 'delete', 'pause', 'resume', 'update', 'events'],
  ...['spec', 'features', 'checkpoint', 'restore'],
];

describe('kihon-oci', () => {
  it('tells its version in the form of runc', async () => {
    const { stdout } = await runtime().succeed(['--version']);
    expect(stdout).toMatch(/^kihon-oci version \d+\.\d+\.\d+\nspec: 1\.2\.\d+\n$/);
    expect((await runtime().succeed(['-v'])).stdout).toBe(stdout);
  });

  it('explains itself without arguments, and every command with --help', async () => {
    const overview = (await runtime().succeed([])).stdout;
    expect(overview).toContain('Usage: kihon-oci');
    for (const name of commandNames) {
      expect(overview).toContain(`  ${name} `);
      const { stdout } = await runtime().succeed([name, '--help']);
      expect(stdout).toContain(`Usage: kihon-oci ${name}`);
      expect((await runtime().succeed(['help', name])).stdout).toBe(stdout);
    }
  });

  it.each([
    [['nope'], 1, 'No such command: nope'],
    [['--nope'], 1, 'flag provided but not defined: --nope'],
    [['state'], 1, 'takes 1 arguments'],
    [['state', 'a', 'b'], 1, 'takes 1 arguments'],
    [['kill', 'a', 'NOPE'], 1, 'unknown signal "NOPE"'],
    [['exec', 'a'], 255, 'exec needs a command'],
    [['list', '--format', 'xml'], 1, 'invalid format option'],
    [['--cgroup-manager', 'nope', 'list'], 1, 'none of cgroupfs, systemd, disabled'],
    [['checkpoint', 'a'], 1, 'checkpoint is not supported'],
    [['restore', '--image-path', '/x', 'a'], 1, 'restore is not supported'],
  ])('refuses %j', async (args, status, text) => {
    const outcome = await runtime().command(args);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(text);
    expect(outcome.stdout).toBe('');
  });

  it.each([
    ['state', 'container does not exist'],
    ['start', 'container does not exist'],
    ['kill', 'container does not exist'],
    ['delete', 'container does not exist'],
    ['pause', 'container does not exist'],
    ['resume', 'container does not exist'],
    ['update', 'container does not exist'],
    ['ps', 'container does not exist'],
    ['events', 'container does not exist'],
  ])('%s of an unknown container says so in the words of runc', async (name, text) => {
    const outcome = await runtime().command([name, 'unknown']);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain(text);
  });

  it('API-01: refuses bad ids before anything is made', async () => {
    for (const name of ['create', 'run', 'state', 'start', 'kill', 'delete', 'pause', 'resume', 'ps', 'exec']) {
      for (const id of ['', '.', '..', '../x', 'a/b', 'a\nb', 'ä', '%n', 'x'.repeat(256)]) {
        const bundle = name === 'create' || name === 'run' ? ['--bundle', '/nowhere'] : [];
        const outcome = await runtime().command([name, ...bundle, '--', id, ...(name === 'exec' ? ['true'] : [])]);
        expect(outcome.status, `${name} ${id}`).not.toBe(0);
      }
    }
    expect(runtime().stateDirectories).toEqual([]);
  });

  it('logs errors as containerd reads them, and tells people as well', async () => {
    const log = join(runtime().machine.folder, 'log.json');
    const { status, stderr } = await runtime().command(['--log', log, '--log-format', 'json', 'state', 'unknown']);
    expect(status).toBe(1);
    expect(stderr).toContain('container does not exist');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      level: 'error',
      msg: expect.stringContaining('container does not exist') as string,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string,
    });
  });

  it('writes a configuration that runs, once', async () => {
    const { machine } = runtime();
    const folder = join(machine.folder, 'spec');
    await machine.command(['mkdir', folder]);
    await runtime().succeed(['spec', '--bundle', folder]);
    const config = JSON.parse(await machine.read(join(folder, 'config.json'))) as { process: { args: string[] } };
    expect(config.process.args).toEqual(['sh']);
    expect((await runtime().command(['spec', '--bundle', folder])).stderr).toContain('exists');
  });

  it('is ended by a signal while it waits for its turn or for input', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const events = runtime().spawn(['events', '--interval', '100ms', container.id], ['ignore', 'pipe', 'ignore']);
    await new Promise((resolve) => events.stdout?.once('data', resolve));
    events.kill('SIGINT');
    await exitOf(events);
    expect(events.signalCode).toBe('SIGINT');
    const update = runtime().spawn(['update', '-r', '-', container.id], ['pipe', 'ignore', 'ignore']);
    // Nothing else puts it to sleep.
    await eventually(() => expect(readFileSync(`/proc/${update.pid}/stat`, 'utf8')).toContain(') S '));
    update.kill('SIGTERM');
    await exitOf(update);
    expect(update.signalCode).toBe('SIGTERM');
  });
});
