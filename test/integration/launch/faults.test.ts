import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { Edit } from '../../support/oci-bundle.ts';
import { withUserNamespace, withoutNamespace } from '../../support/oci-bundle.ts';
import { exitOf, textOf, useRuntime } from '../../support/oci.ts';
import { failpointAgent } from '../../support/repository.ts';

const runtime = useRuntime(failpointAgent);

/** Pids of all processes that have the given one as an ancestor, nearest first. */
async function descendantsOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state !== undefined && state !== 'Z') parents.set(Number(name), Number(parent));
  }
  const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);
  const below = await Promise.all(children.map(descendantsOf));
  return [...children, ...below.flat()];
}

/** What init may be about when it dies, in the order of its work. */
const steps = [
  ...['spawn.child', 'init.start', 'init.user-namespace', 'init.session-keyring', 'init.cgroup-namespace'],
  ...['init.time-namespace', 'init.propagation', 'init.attach-root', 'init.mount', 'init.devices', 'init.device-links'],
  ...['init.runtime-hooks', 'init.hooks', 'init.pivot-root', 'init.masked-paths', 'init.session', 'init.user'],
  ...['init.capabilities', 'init.ready'],
];

const everything: Edit = (config) => {
  withUserNamespace(config, 300_000);
  config.linux.namespaces.push({ type: 'time' }, { type: 'cgroup' });
  config.linux['timeOffsets'] = { boottime: { secs: 5 } };
  config.linux.maskedPaths = ['/proc/keys'];
  const hook = { path: '/bin/true' };
  config.hooks = { createRuntime: [hook], createContainer: [hook], startContainer: [hook] };
};

describe('an init that is killed', () => {
  it.each(steps)('at %s fails the create at once, and nothing is left', async (step) => {
    const container = await runtime().prepare('sleep 100', everything);
    // It waits there for a file that never comes.
    const env = { KIHON_FAILPOINTS: `${step}=pause:${container.bundle.path}/never` };
    const args = ['create', '--bundle', container.bundle.path, container.id];
    const command = runtime().spawn(args, ['ignore', 'ignore', 'pipe'], env);
    const words = textOf(command.stderr);
    let init = 0;
    await eventually(async () => {
      const [first] = await descendantsOf(command.pid ?? 0);
      expect(first).toBeDefined();
      init = first ?? 0;
    });
    // Not before it got there: a moment of its own time goes by.
    await eventually(async () => {
      const fields = (await readFile(`/proc/${init}/stat`, 'utf8')).split(' ');
      expect(Number(fields[13]) + Number(fields[14])).toBeGreaterThan(3);
    });
    process.kill(init, 'SIGKILL');
    expect(await exitOf(command)).toBe(1);
    expect(await words).toContain('ended without saying why');
    expect((await runtime().command(['state', container.id])).status).not.toBe(0);
    await runtime().verify();
  });

  it('at its start is an error of start, and a container that has stopped', async () => {
    const container = await runtime().prepare('sleep 100', everything);
    const env = { KIHON_FAILPOINTS: `init.execute=pause:${container.bundle.path}/never` };
    const args = ['create', '--bundle', container.bundle.path, container.id];
    expect(await exitOf(runtime().spawn(args, 'ignore', env))).toBe(0);
    const { pid } = await container.state();
    const start = runtime().spawn(['start', container.id], 'ignore');
    await eventually(async () => {
      const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
      expect(fields[2]).toBe('R');
    });
    process.kill(pid ?? 0, 'SIGKILL');
    expect(await exitOf(start)).toBe(1);
    await container.stopped();
    await container.delete();
  });
});

describe('a first stage', () => {
  it.each(['spawn.child=kill', 'spawn.child=throw', 'init.start=throw', 'init.user-namespace=throw'])(
    'with %s fails the create, and nothing is left',
    async (failpoint) => {
      const first = await runtime().create('sleep 100', (config) => withUserNamespace(config, 300_000));
      const { pid } = await first.state();
      const container = await runtime().prepare('sleep 100', (config) => {
        config.linux.namespaces.push({ type: 'user', path: `/proc/${pid}/ns/user` });
        withoutNamespace(config, 'ipc');
        config.linux.namespaces.push({ type: 'ipc', path: `/proc/${pid}/ns/ipc` });
      });
      const args = ['create', '--bundle', container.bundle.path, container.id];
      const command = runtime().spawn(args, ['ignore', 'ignore', 'pipe'], { KIHON_FAILPOINTS: failpoint });
      const words = textOf(command.stderr);
      expect(await exitOf(command)).toBe(1);
      expect(await words).toMatch(/ended without saying why|failpoint/);
      expect(existsSync(join(runtime().stateFolder, container.id))).toBe(false);
      await first.end();
    },
  );
});
