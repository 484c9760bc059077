import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { exitOf, textOf, useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();

describe('run', () => {
  it.each([0, 1, 42, 255])('gives the exit code %i of the program', async (code) => {
    expect((await runtime().run(`exit ${code}`)).status).toBe(code);
  });

  it('gives 128 and the signal when one ended the program', async () => {
    const container = await runtime().prepare('sleep 100');
    const child = runtime().spawn(['run', '--bundle', container.bundle.path, container.id], 'ignore');
    await eventually(async () => expect(await container.status()).toBe('running'));
    await container.kill('KILL');
    expect(await exitOf(child)).toBe(137);
  });

  it('passes standard streams as they are', async () => {
    const outcome = await runtime().run('cat; echo problem >&2', undefined, { input: 'what came in\n' });
    expect(outcome).toEqual({ stdout: 'what came in\n', stderr: 'problem\n', status: 0 });
  });

  it('forwards signals to the program', async () => {
    const container = await runtime().prepare('trap "echo got it; exit 9" USR1; echo up; while :; do sleep 0.02; done');
    const child = runtime().spawn(
      ['run', '--bundle', container.bundle.path, container.id],
      ['ignore', 'pipe', 'ignore'],
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGUSR1');
    expect(await exitOf(child)).toBe(9);
  });

  it('--keep leaves a stopped container', async () => {
    const container = await runtime().prepare('exit 3');
    const outcome = await runtime().command(['run', '--keep', '--bundle', container.bundle.path, container.id]);
    expect(outcome.status).toBe(3);
    expect(await container.status()).toBe('stopped');
    await container.delete();
  });

  it('--detach leaves a running container and its number in the file', async () => {
    const container = await runtime().prepare('sleep 100');
    const file = join(container.bundle.path, 'pid');
    await runtime().succeed(['run', '-d', '--pid-file', file, '--bundle', container.bundle.path, container.id]);
    const state = await container.state();
    expect(state.status).toBe('running');
    expect(readFileSync(file, 'utf8')).toBe(String(state.pid));
  });

  it('of a program that is not there fails with the words that callers look for', async () => {
    const outcome = await runtime().run(['/bin/nope']);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain('/bin/nope');
    expect(runtime().stateDirectories).toEqual([]);
  });

  it('given up with a signal is undone', async () => {
    const container = await runtime().prepare('true', (config) => {
      config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '100'] }] };
    });
    const child = runtime().spawn(
      ['run', '--bundle', container.bundle.path, container.id],
      ['ignore', 'ignore', 'pipe'],
    );
    const errors = textOf(child.stderr);
    await eventually(() => expect(existsSync(join(runtime().stateFolder, container.id, 'state.json'))).toBe(true));
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(1);
    expect(await errors).toContain('given up on signal 15');
    expect(runtime().stateDirectories).toEqual([]);
  });
});

describe('create', () => {
  it('refuses an id in use and leaves its owner alone', async () => {
    const container = await runtime().create('sleep 100');
    const again = await runtime().command(['create', '--bundle', container.bundle.path, container.id]);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('container with given ID already exists');
    expect(await container.status()).toBe('created');
  });

  it('keeps the state for nobody but its owner', async () => {
    const container = await runtime().create('sleep 100');
    const folder = join(runtime().stateFolder, container.id);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'state.json')).mode & 0o777).toBe(0o600);
  });

  it('is refused without a bundle', async () => {
    const outcome = await runtime().command(['create', '--bundle', '/nowhere', 'x']);
    expect(outcome.stderr).toContain('JSON specification file /nowhere/config.json not found');
    expect(runtime().stateDirectories).toEqual([]);
  });

  it('of a container whose program starts nowhere leaves nothing', async () => {
    await runtime().refusal((config) => {
      config.linux.namespaces.push({ type: 'network', path: '/nowhere' });
    });
    expect(runtime().stateDirectories).toEqual([]);
  });
});

describe('start', () => {
  it('happens once', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const again = await runtime().command(['start', container.id]);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('cannot start an already running container');
  });

  it('of many at once succeeds for one', async () => {
    const container = await runtime().create('sleep 100');
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => runtime().command(['start', container.id])));
    expect(outcomes.filter(({ status }) => status === 0)).toHaveLength(1);
    expect(await container.status()).toBe('running');
  });

  it('of a container that ended before is refused', async () => {
    const container = await runtime().create('sleep 100');
    await container.kill('KILL');
    await container.stopped();
    const outcome = await runtime().command(['start', container.id]);
    expect(outcome.stderr).toContain('cannot start a container that has stopped');
  });
});

describe('kill', () => {
  it('of a stopped container says so in the words of runc', async () => {
    const container = await runtime().create('true');
    await container.start();
    await container.stopped();
    const outcome = await runtime().command(['kill', container.id, 'KILL']);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain('container not running');
  });

  it('--all reaches processes that the first one left', async () => {
    const container = await runtime().create('sleep 100', (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
    });
    await container.start();
    await container.exec('sleep 200 >/dev/null 2>&1 &');
    await runtime().succeed(['kill', '--all', container.id, 'KILL']);
    await container.stopped();
    expect(JSON.parse((await runtime().succeed(['ps', '--format', 'json', container.id])).stdout)).toEqual([]);
    await container.delete();
  });
});

describe('delete', () => {
  it('--force of a container that is not there succeeds silently', async () => {
    expect(await runtime().command(['delete', '--force', 'unknown'])).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  it('of a running container is refused and leaves it alone', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const outcome = await runtime().command(['delete', container.id]);
    expect(outcome.stderr).toContain(`cannot delete container ${container.id} that is not stopped: running`);
    expect(await container.status()).toBe('running');
  });

  it('--force ends a running container', async () => {
    const container = await runtime().create('trap "" TERM INT; sleep 100');
    await container.start();
    await runtime().succeed(['delete', '--force', container.id]);
    expect((await runtime().command(['state', container.id])).stderr).toContain('container does not exist');
  });

  it('--force ends a paused container', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    await runtime().succeed(['pause', container.id]);
    await runtime().succeed(['delete', '--force', container.id]);
  });

  it('--force of many at once succeeds for all', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const command = ['delete', '--force', container.id];
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => runtime().command(command)));
    expect(outcomes.map(({ status, stderr }) => `${status} ${stderr}`)).toEqual(Array(5).fill('0 '));
  });

  it('--force comes through while a start hangs in a hook', async () => {
    const container = await runtime().create('true', (config) => {
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo >/hanging; exec sleep 100'] }] };
    });
    const child = runtime().spawn(['start', container.id], 'ignore');
    await eventually(() => expect(existsSync(join(container.bundle.path, 'rootfs/hanging'))).toBe(true));
    await runtime().succeed(['delete', '--force', container.id]);
    await exitOf(child);
    expect(runtime().stateDirectories).toEqual([]);
  });
});

describe('pause and resume', () => {
  it('stop and continue all processes', async () => {
    const container = await runtime().create('while :; do date +%N >/tick; sleep 0.02; done');
    await container.start();
    const tick = join(container.bundle.path, 'rootfs/tick');
    await eventually(() => expect(existsSync(tick)).toBe(true));
    await runtime().succeed(['pause', container.id]);
    expect(await container.status()).toBe('paused');
    const before = readFileSync(tick, 'utf8');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(readFileSync(tick, 'utf8')).toBe(before);
    const exec = await runtime().command(['exec', container.id, 'true']);
    expect(exec.status).toBe(255);
    expect(exec.stderr).toContain('cannot exec in a paused container (use --ignore-paused to override)');
    expect((await runtime().command(['pause', container.id])).stderr).toContain(
      'container not running or created: paused',
    );
    await runtime().succeed(['resume', container.id]);
    expect(await container.status()).toBe('running');
    expect((await runtime().command(['resume', container.id])).stderr).toContain('container not paused');
  });
});

describe('list', () => {
  it('shows every container as a table, as JSON, or by id', async () => {
    const first = await runtime().create('sleep 100');
    const second = await runtime().create('sleep 100');
    await second.start();
    const ids = [first.id, second.id].sort();
    expect((await runtime().succeed(['list', '--quiet'])).stdout).toBe(ids.map((id) => `${id}\n`).join(''));
    const table = (await runtime().succeed(['list'])).stdout.split('\n');
    expect(table[0]).toMatch(/^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/);
    expect(table.filter((line) => line.startsWith(runtime().prefix))).toHaveLength(2);
    const listed = JSON.parse((await runtime().succeed(['list', '--format', 'json'])).stdout) as Record<
      string,
      unknown
    >[];
    expect(listed.map(({ id }) => id).sort()).toEqual(ids);
    expect(listed.find(({ id }) => id === second.id)).toMatchObject({ status: 'running', owner: 'root' });
  });

  it('is not stopped by a state that is damaged', async () => {
    const container = await runtime().create('sleep 100');
    const damaged = join(runtime().stateFolder, 'damaged');
    await runtime().machine.command(['mkdir', damaged]);
    writeFileSync(join(damaged, 'state.json'), '{"version":1,"id":7');
    const { stdout, stderr } = await runtime().succeed(['list']);
    expect(stdout).toContain(container.id);
    expect(stderr).toContain('damaged');
    await runtime().succeed(['delete', '--force', 'damaged']);
  });
});

describe('ps, events and update', () => {
  it('know the processes of a container', async () => {
    const container = await runtime().create('sleep 100 & wait');
    await container.start();
    const state = await container.state();
    await eventually(async () => {
      const pids = JSON.parse((await runtime().succeed(['ps', '--format', 'json', container.id])).stdout) as number[];
      expect(pids).toContain(state.pid);
      expect(pids).toHaveLength(2);
    });
    const table = (await runtime().succeed(['ps', container.id])).stdout;
    expect(table.trimEnd().split('\n')).toHaveLength(3);
    expect((await runtime().succeed(['ps', container.id, '-o', 'pid,comm'])).stdout).toContain('sleep');
  });

  it('print counters in the form of runc', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const { stdout } = await runtime().succeed(['events', '--stats', container.id]);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'stats', id: container.id, data: { cpu: { usage: {} } } });
  });

  it('print counters until the container ends', async () => {
    const container = await runtime().create('while [ ! -e /stop ]; do sleep 0.02; done');
    await container.start();
    const child = runtime().spawn(['events', '--interval', '100ms', container.id]);
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout as Readable })) {
      if (lines.push(line) === 2) writeFileSync(join(container.bundle.path, 'rootfs/stop'), '');
    }
    expect(await exitOf(child)).toBe(0);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ type: 'stats' });
  });

  it('name the controller that a limit would need', async () => {
    const container = await runtime().create('sleep 100');
    const outcome = await runtime().command(['update', '--pids-limit', '20', container.id]);
    if (outcome.status !== 0) expect(outcome.stderr).toContain('the pids controller');
    const bad = await runtime().command(['update', '-r', '-', container.id], { input: '{"pids":{"limit":"x"}}' });
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain('pids.limit');
  });
});
