import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Watched } from '../../support/agent/standing-checks.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import { exitOf, textOf, useRuntime } from '../../support/oci.ts';
import type { RpcError } from '../../../host/client/rpc-error.ts';

const MARK = 'mark-of-the-container';

/** Says where it stands, and climbs from there to what it can reach: the mark lies in the container's own root only. */
const CLIMB = `readlink /proc/self/cwd; i=0; while [ $i -lt 40 ]; do cd -P ..; i=$((i+1)); done; ls -d ${MARK}`;

/** Places that a leaked descriptor, or somebody else's process, would make an exit of. */
const places = (links: readonly string[]): readonly string[] => [
  ...['/proc/self/cwd', '/proc/self/root', '/proc/1/root', '/proc/1/cwd', '/proc/thread-self/cwd', ...links],
  ...Array.from({ length: 18 }, (_, index) => `/proc/self/fd/${index + 3}`),
  ...['/proc/1/fd/3', '/proc/1/fd/4', '/proc/1/fd/5', '/proc/self/fd/64', '/proc/self/task/1/cwd'],
];

const links: Readonly<Record<string, string>> = {
  '/to-descriptor': '/proc/self/fd/7',
  '/to-cwd': '/proc/self/cwd',
  '/to-init': '/proc/1/root',
};

/** Refused by name, or a place inside that has a path. */
function expectInside(place: string, outcome: { stdout: string; status: number } | string): void {
  if (typeof outcome === 'string') {
    expect(outcome).toMatch(/(create|working)-directory/);
    expect(outcome).toContain(place);
    return;
  }
  const [path = '', mark] = outcome.stdout.split('\n');
  expect(path, place).toMatch(/^\//);
  expect(mark, `${place} is ${path}`).toBe(MARK);
}

const all = [...DEFAULT_CAPABILITIES, 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'];

describe('EXE-02: a working directory that leads outside', { timeout: 120_000 }, () => {
  const runtime = useRuntime();
  const fixture = useAgent();

  it('of kihon-oci, whose caller leaks descriptors of folders, is refused or is inside', async () => {
    const leaked = Array.from({ length: 9 }, () => openSync('/', 'r'));
    try {
      for (const cwd of places(Object.keys(links))) {
        const container = await runtime().prepare(CLIMB, ({ process }) => (process.cwd = cwd));
        const root = join(container.bundle.path, 'rootfs');
        writeFileSync(join(root, MARK), '');
        for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
        const args = ['run', '--bundle', container.bundle.path, container.id];
        const child = runtime().spawn(args, ['ignore', 'pipe', 'pipe', ...leaked]);
        const [stdout, stderr, status] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitOf(child)]);
        expectInside(cwd, stdout === '' ? stderr : { stdout, status });
      }
    } finally {
      for (const fd of leaked) closeSync(fd);
    }
  });

  it('of an exec by kihon-oci is refused or is inside', async () => {
    const leaked = Array.from({ length: 9 }, () => openSync('/', 'r'));
    const container = await runtime().prepare('sleep 100');
    const root = join(container.bundle.path, 'rootfs');
    writeFileSync(join(root, MARK), '');
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
    await container.create();
    await container.start();
    try {
      for (const cwd of places(Object.keys(links))) {
        const args = ['exec', '--cwd', cwd, container.id, '/bin/sh', '-c', CLIMB];
        const child = runtime().spawn(args, ['ignore', 'pipe', 'pipe', ...leaked]);
        const [stdout, stderr, status] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitOf(child)]);
        expectInside(cwd, stdout === '' ? stderr : { stdout, status });
      }
    } finally {
      for (const fd of leaked) closeSync(fd);
    }
  });

  it('of the agent, which inherited descriptors of folders, is refused or is inside', async () => {
    const root = await fixture.roots.copy();
    writeFileSync(join(root, MARK), '');
    mkdirSync(join(root, 'folder'));
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
    const prepare = 'exec 3</ 4</proc 5</sys 6</run 7</ 8</etc 9</';
    await using watched = await Watched.start({ prepare }, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
    });
    const { client } = watched;
    const living = await TestContainer.start(client, { root });
    for (const cwd of places(Object.keys(links))) {
      const process = { Cwd: cwd };
      const explain = (error: unknown): string => (error as RpcError).detail;
      expectInside(cwd, await TestContainer.run(client, { root, run: CLIMB, process }).catch(explain));
      expectInside(cwd, await living.execute(CLIMB, { process }).catch(explain));
    }
    await living.remove();
    await watched.alive();
    expect(await watched.agent.stop()).toBe(143);
  });
});

describe('EXE-03: execs whose working directory is that of another exec', { timeout: 120_000 }, () => {
  const fixture = useAgent();
  const runtime = useRuntime();

  it('end up inside, or are refused by name', async () => {
    const root = await fixture.roots.copy();
    writeFileSync(join(root, MARK), '');
    const Capabilities = { Bounding: all, Effective: all, Permitted: all };
    await using container = await TestContainer.start(fixture.client, { root, process: { Capabilities } });
    let last = 1;
    for (let done = 0; done < amount(120, 500); done += 12) {
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          // The number of one that is just being made, or was a moment ago.
          const cwd = `/proc/${last + 1 + (index % 6)}/${index % 2 === 0 ? 'root' : 'cwd'}`;
          const run = `echo $$; ${CLIMB}`;
          const outcome = await container
            .execute(run, { process: { Cwd: cwd, Capabilities } })
            .catch((error: unknown) => (error as RpcError).detail);
          return { cwd, outcome };
        }),
      );
      for (const { cwd, outcome } of outcomes) {
        if (typeof outcome === 'string') {
          expectInside(cwd, outcome);
          last += 1;
          continue;
        }
        const [pid = '', ...rest] = outcome.stdout.split('\n');
        last = Math.max(last, Number(pid) + 1);
        expectInside(cwd, { ...outcome, stdout: rest.join('\n') });
      }
    }
  });

  it('by kihon-oci end up inside, or are refused by name', async () => {
    const container = await runtime().prepare('sleep 100', ({ process }) => {
      process.capabilities = { bounding: all, effective: all, permitted: all };
    });
    writeFileSync(join(container.bundle.path, 'rootfs', MARK), '');
    await container.create();
    await container.start();
    let last = 1;
    for (let round = 0; round < amount(10, 60); round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, async (_, index) => {
          const cwd = `/proc/${last + 1 + (index % 4)}/${index % 2 === 0 ? 'root' : 'cwd'}`;
          return { cwd, outcome: await container.exec(`echo $$; ${CLIMB}`, ['--cwd', cwd]) };
        }),
      );
      for (const { cwd, outcome } of outcomes) {
        const [pid = '', ...rest] = outcome.stdout.split('\n');
        last = pid === '' ? last + 1 : Math.max(last, Number(pid) + 1);
        expectInside(cwd, pid === '' ? outcome.stderr : { ...outcome, stdout: rest.join('\n') });
      }
    }
  });
});
