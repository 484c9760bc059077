import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { OciConfig } from '../../support/oci-bundle.ts';
import { exitOf, textOf, useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();

/** The machine's v2 tree, which may have no controllers. */
const tree = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';
const controllers = readFileSync(`${tree}/cgroup.controllers`, 'utf8');

const denyAll = { allow: false, access: 'rwm' };
const fuse = { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' };
const attempt =
  'mknod /run/f c 10 229; (: < /run/f) 2>/dev/null && echo read; (: >> /run/f) 2>/dev/null && echo write; echo end';

function withResources(resources: Record<string, unknown>): (config: OciConfig) => void {
  return (config) => {
    config.linux.resources = resources;
  };
}

describe('device rules', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['CGN-05 none: only the default devices', {}, 'end\n'],
    ['CGN-05 an empty list: only the default devices', { devices: [] }, 'end\n'],
    ['a device that is allowed', { devices: [denyAll, fuse] }, 'read\nwrite\nend\n'],
    ['CGN-05 one access bit', { devices: [denyAll, { ...fuse, access: 'w' }] }, 'write\nend\n'],
    ['CGN-05 a later denial', { devices: [fuse, { ...fuse, allow: false, access: 'r' }] }, 'write\nend\n'],
    ['everything', { devices: [{ allow: true, access: 'rwm' }] }, 'read\nwrite\nend\n'],
    [
      'CGN-05 everything but one',
      {
        devices: [
          { allow: true, access: 'rwm' },
          { ...fuse, allow: false },
        ],
      },
      'end\n',
    ],
  ])('%s', async (_, resources, expected) => {
    const outcome = await runtime().run(attempt, withResources(resources));
    expect(outcome).toEqual({ stdout: expected, stderr: '', status: 0 });
  });

  it('CGN-05 hold for an exec, and CGN-06 change with an update', async () => {
    const container = await runtime().create('sleep 100', withResources({ devices: [denyAll] }));
    await container.start();
    const exec = async (): Promise<string> =>
      (await runtime().succeed(['exec', container.id, 'sh', '-c', `rm -f /run/f; ${attempt}`])).stdout;
    expect(await exec()).toBe('end\n');
    const update = (devices: unknown): Promise<{ status: number; stderr: string }> =>
      runtime().command(['update', '--resources', '-', container.id], { input: JSON.stringify({ devices }) });
    expect(await update([denyAll, fuse])).toMatchObject({ status: 0 });
    expect(await exec()).toBe('read\nwrite\nend\n');
    expect((await update([denyAll, { ...fuse, access: 'z' }])).stderr).toContain('access');
    expect(await exec()).toBe('read\nwrite\nend\n');
    expect(await update([denyAll])).toMatchObject({ status: 0 });
    expect(await exec()).toBe('end\n');
  });
});

describe('cgroupsPath', () => {
  it.each(['../x', '/..', 'a/../../x', 'a\nb', 'system.slice:kihon:x', '/', `/${'a'.repeat(5000)}`])(
    'CGN-03 refuses %j',
    async (path) => {
      const before = readdirSync(tree);
      const text = await runtime().refusal((config) => {
        config.linux.cgroupsPath = path;
      });
      expect(text).toContain('linux.cgroupsPath');
      // Other tests make cgroups there meanwhile.
      expect(readdirSync(tree).filter((name) => !before.includes(name) && !name.startsWith('kihon'))).toEqual([]);
    },
  );

  it('CGN-04 a cgroup with processes is refused, and they live on', async () => {
    const first = await runtime().create('sleep 100');
    await first.start();
    const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${(await first.state()).pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const text = await runtime().refusal((config) => {
      config.linux.cgroupsPath = path;
    });
    expect(text).toContain('has processes already');
    expect(await first.status()).toBe('running');
  });
});

describe('limits', () => {
  it.skipIf(controllers.includes('memory'))('whose controller is not on v2 are refused by name', async () => {
    const text = await runtime().refusal(withResources({ memory: { limit: 1 << 30 } }));
    expect(text).toContain('linux.resources.memory.limit');
    expect(text).toContain('the memory controller is not available in the cgroup v2 hierarchy');
    expect(
      (await runtime().run('echo fine', withResources({ memory: { limit: -1 }, pids: { limit: 0 } }))).stdout,
    ).toBe('fine\n');
  });

  it.each(['../cgroup.procs', 'cgroup.procs', 'a/b'])('CGN-03 a unified key %s is refused', async (key) => {
    expect(await runtime().refusal(withResources({ unified: { [key]: '1' } }))).toContain('linux.resources.unified');
  });
});

it('pause waits until nothing moves, ps lists everybody, resume goes on', async () => {
  const container = await runtime().create('sleep 100 & sleep 100 & wait');
  await container.start();
  const list = async (): Promise<number[]> =>
    JSON.parse((await runtime().succeed(['ps', '--format', 'json', container.id])).stdout) as number[];
  await eventually(async () => expect(await list()).toHaveLength(3));
  await runtime().succeed(['pause', container.id]);
  expect(await container.status()).toBe('paused');
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${(await container.state()).pid}/cgroup`, 'utf8'))?.[1] ?? '';
  expect(readFileSync(`${tree}${path}/cgroup.events`, 'utf8')).toContain('frozen 1');
  await runtime().succeed(['resume', container.id]);
  expect(await container.status()).toBe('running');
});

it('events --pressure tells that processes hold each other up', async () => {
  // More than there are processors.
  const loops = availableParallelism() + 2;
  const container = await runtime().create(`for i in $(seq ${loops}); do while :; do :; done & done; wait`);
  await container.start();
  // Two seconds: a window that the kernel gives without CAP_SYS_RESOURCE too.
  const child = runtime().spawn(['events', '--interval', '1h', '--pressure', 'cpu:some:50ms/2s', container.id]);
  const text = textOf(child.stdout);
  child.stdout?.once('data', () => void container.kill('KILL'));
  const [line = ''] = (await text).split('\n');
  const data = { resource: 'cpu', kind: 'some', stall_us: 50_000, window_us: 2_000_000 };
  expect(JSON.parse(line)).toEqual({ type: 'pressure', id: container.id, data });
  expect(await exitOf(child)).toBe(0);
});

it('events --stats prints one line of JSON', async () => {
  const container = await runtime().create('sleep 100');
  await container.start();
  const child = runtime().spawn(['events', '--stats', container.id]);
  const text = await textOf(child.stdout);
  expect(await exitOf(child)).toBe(0);
  expect(JSON.parse(text)).toMatchObject({ type: 'stats', id: container.id, data: { cpu: {}, pids: {}, blkio: {} } });
});
