import { closeSync, openSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RpcError } from '../../../host/client/rpc-error.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { exitOf, textOf, useRuntime } from '../../support/oci.ts';

/** Numbers and targets of what the program has; number 3 is the directory that `ls` reads. */
const LIST = 'for f in /proc/self/fd/*; do echo ${f##*/}; done; ls -l /proc/$$/fd; true';

/** The lists of numbers and of what stands behind them. */
function listed(stdout: string): { numbers: string[]; targets: string[] } {
  const lines = stdout.trim().split('\n');
  return {
    numbers: lines.filter((line) => /^\d+$/.test(line)),
    targets: lines.filter((line) => line.includes(' -> ')).map((line) => line.slice(line.indexOf(' -> ') + 4)),
  };
}

describe('EXE-04: descriptors that a caller leaks', () => {
  const runtime = useRuntime();

  /** Forty: folders, devices, a file, a listening socket's own. */
  async function withLeaks<T>(use: (leaked: readonly number[]) => Promise<T>): Promise<T> {
    const places = ['/', '/etc', '/proc', '/dev/null', '/dev/zero', '/etc/passwd', '/proc/self/ns/mnt', '/sys'];
    const leaked = Array.from({ length: 40 }, (_, index) => openSync(places[index % places.length] ?? '/', 'r'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(runtime().machine.folder, 'api.sock'), resolve));
    try {
      return await use(leaked);
    } finally {
      for (const fd of leaked) closeSync(fd);
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async function ended(args: readonly string[], leaked: readonly number[]) {
    const child = runtime().spawn(args, ['ignore', 'pipe', 'pipe', ...leaked]);
    const [stdout, stderr, status] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitOf(child)]);
    return { stdout, stderr, status };
  }

  it('to kihon-oci do not reach a container or an exec', async () => {
    await withLeaks(async (leaked) => {
      const first = await runtime().prepare(LIST);
      const run = await ended(['run', '--bundle', first.bundle.path, first.id], leaked);
      const second = await runtime().create('sleep 100');
      await second.start();
      const exec = await ended(['exec', second.id, '/bin/sh', '-c', LIST], leaked);
      for (const { stdout, stderr } of [run, exec]) {
        expect(stderr).toBe('');
        expect(listed(stdout).numbers.filter((number) => Number(number) > 3)).toEqual([]);
        expect(listed(stdout).targets).toHaveLength(3);
      }
    });
  });

  it('are passed when they are asked for, those and no more', async () => {
    await withLeaks(async (leaked) => {
      const container = await runtime().prepare('ls -l /proc/$$/fd; true');
      const args = ['run', '--preserve-fds', '2', '--bundle', container.bundle.path, container.id];
      const { stdout } = await ended(args, leaked);
      expect(listed(stdout).targets.slice(3)).toEqual(
        ['/', '/etc'].map((path) => readlinkSync('/proc/self/root') + path.slice(1)),
      );
    });
  });

  it('cannot be executed by number, nor can anything the runtime opened', async () => {
    await withLeaks(async (leaked) => {
      const shell = openSync('/bin/true', 'r');
      try {
        for (let number = 3; number < 20; number++) {
          const container = await runtime().prepare([`/proc/self/fd/${number}`]);
          const args = ['run', '--bundle', container.bundle.path, container.id];
          const { status, stderr } = await ended(args, [shell, shell, ...leaked]);
          expect(status, `descriptor ${number}`).not.toBe(0);
          expect(stderr).toMatch(/ENOENT|EACCES|not found|ELOOP/);
        }
      } finally {
        closeSync(shell);
      }
    });
  });
});

describe('EXE-04: descriptors of the agent', () => {
  const fixture = useAgent();

  it('do not reach a container or an exec: not what it inherited, not other containers’ pipes, no socket', async () => {
    const prepare = 'exec 3</ 4</proc 5</dev/null 6</run 7<>/dev/zero 8</etc 9</';
    await using watched = await Watched.start({ prepare }, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
    });
    const { client } = watched;
    const { root } = fixture;
    const others = await Promise.all(
      Array.from({ length: 3 }, (_, index) => TestContainer.start(client, { root, terminal: index === 0 })),
    );
    const connections = await Promise.all([watched.agent.connect(), watched.agent.connect()]);
    const first = await TestContainer.run(client, { root, run: LIST });
    const exec = await others[1]?.execute(LIST);
    for (const stdout of [first.stdout, exec?.stdout ?? '']) {
      expect(listed(stdout).numbers.filter((number) => Number(number) > 3)).toEqual([]);
      expect(listed(stdout).targets).toHaveLength(3);
      for (const target of listed(stdout).targets) expect(target).toMatch(/^(pipe:|\/dev\/null$)/);
    }
    for (let number = 3; number < 20; number++) {
      // It may be there when it is looked for; when it is executed, it is closed.
      const run = TestContainer.run(client, { root, run: [`/proc/self/fd/${number}`] });
      const outcome = await run.catch((error: unknown) => (error as RpcError).detail);
      if (typeof outcome === 'string') expect(outcome).toContain(`/proc/self/fd/${number}`);
      else expect(outcome.status).toBeGreaterThan(0);
    }
    for (const connection of connections) connection.close();
    await Promise.all(others.map((one) => one.remove()));
    await watched.alive();
    expect(await watched.agent.stop()).toBe(143);
  });
});
