import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CgroupHome } from '../../support/agent/cgroup-home.ts';
import { eventually } from '../../support/eventually.ts';
import { exitOf, useRuntime, type KihonRuntime } from '../../support/oci.ts';
import type { Edit } from '../../support/oci-bundle.ts';
import type { CommandOutcome } from '../../support/oci-machine.ts';
import { failpointAgent, releaseAgent } from '../../support/repository.ts';
import { FakeSystemd } from '../../support/systemd/fake-systemd.ts';

const runtime = useRuntime(releaseAgent);
const crashing = useRuntime(failpointAgent);
let home: CgroupHome;
let fake: FakeSystemd;

/** Of a process in the hierarchy of version 2. */
function cgroupOf(pid: number | string): string {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
}

beforeAll(async () => {
  home = new CgroupHome();
  const below = /^(?:\/sys\/fs\/cgroup\/unified|\/sys\/fs\/cgroup)(.*)$/.exec(home.path)?.[1] ?? '';
  fake = await FakeSystemd.start(join(runtime().machine.folder, 'bus'), home.path, below);
});

afterEach(async () => {
  fake.behaviour = {};
  // Before the check, which else would come first.
  await runtime().verify();
  await crashing().verify();
  fake.calls.length = 0;
  await eventually(() => expect(fake.unitNames, 'units left').toEqual([]));
});

afterAll(async () => {
  try {
    await fake.stop();
  } finally {
    await home.remove();
  }
});

/** The runtime with cgroups by systemd. */
function command(args: readonly string[], of: KihonRuntime = runtime(), address?: string): Promise<CommandOutcome> {
  const env = { DBUS_SYSTEM_BUS_ADDRESS: address ?? fake.address };
  return of.command(['--systemd-cgroup', ...args], { env });
}

async function create(run: string, edit?: Edit): Promise<{ id: string; pid: number; cgroup: string }> {
  const { id, bundle } = await runtime().prepare(run, (config) => {
    config.linux.cgroupsPath = `machine-pods.slice:kihon:${config.linux.cgroupsPath?.slice(1) ?? ''}`;
    edit?.(config);
  });
  const { stderr, status } = await command(['create', '--bundle', bundle.path, id]);
  if (status !== 0) throw new Error(stderr);
  const { pid } = JSON.parse((await runtime().succeed(['state', id])).stdout) as { pid: number };
  return { id, pid, cgroup: cgroupOf(pid) };
}

async function refusal(edit: Edit = () => undefined, address?: string): Promise<string> {
  const { id, bundle } = await runtime().prepare('echo ran', (config) => {
    config.linux.cgroupsPath = '';
    edit(config);
  });
  const { stderr, stdout, status } = await command(['create', '--bundle', bundle.path, id], runtime(), address);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect((await runtime().command(['state', id])).status).not.toBe(0);
  return stderr;
}

describe('a container in a unit of systemd', () => {
  it('CGN-04 is in its scope, below its slice, before its program runs, and stays there', async () => {
    const { id, pid, cgroup } = await create('cat /proc/self/cgroup >/cgroup; exec sleep 100');
    expect(cgroup).toMatch(new RegExp(`/machine.slice/machine-pods.slice/kihon-${id}.scope$`));
    expect(fake.propertiesOf('StartTransientUnit')).toMatchObject({
      Description: `kihon container ${id}`,
      Slice: 'machine-pods.slice',
      PIDs: [pid],
      Delegate: true,
      DefaultDependencies: false,
      CollectMode: 'inactive-or-failed',
      MemoryAccounting: true,
    });
    await runtime().succeed(['start', id]);
    expect(cgroupOf(pid)).toBe(cgroup);
    const state = JSON.parse(readFileSync(join(runtime().stateFolder, id, 'state.json'), 'utf8')) as object;
    expect(state).toMatchObject({ cgroup: { path: cgroup, unit: { name: `kihon-${id}.scope`, socket: fake.socket } } });
  });

  it('works with exec, ps, pause, resume, events and kill, and delete stops the unit', async () => {
    const { id, pid, cgroup } = await create('exec sleep 100');
    await runtime().succeed(['start', id]);
    expect((await runtime().succeed(['exec', id, 'cat', '/proc/self/cgroup'])).stdout).toContain(`0::${cgroup}\n`);
    expect(JSON.parse((await runtime().succeed(['ps', '--format', 'json', id])).stdout)).toEqual([pid]);
    await runtime().succeed(['pause', id]);
    expect(JSON.parse((await runtime().succeed(['state', id])).stdout)).toMatchObject({ status: 'paused' });
    await runtime().succeed(['resume', id]);
    expect((await runtime().succeed(['events', '--stats', id])).stdout).toContain('"stats"');
    await runtime().succeed(['kill', id, 'KILL']);
    await eventually(async () => {
      expect((await runtime().succeed(['state', id])).stdout).toContain('stopped');
    });
    await runtime().succeed(['delete', id]);
    expect(fake.calls.map(({ member }) => member)).toContain('StopUnit');
    expect(existsSync(join(home.path, 'machine.slice/machine-pods.slice', `kihon-${id}.scope`))).toBe(false);
  });

  it('run in the foreground gives the exit code and leaves nothing', async () => {
    const { id, bundle } = await runtime().prepare('exit 7', (config) => {
      config.linux.cgroupsPath = '';
    });
    expect(await command(['run', '--bundle', bundle.path, id])).toEqual({ stdout: '', stderr: '', status: 7 });
    expect(fake.propertiesOf('StartTransientUnit')).toMatchObject({ Slice: 'system.slice' });
  });

  it('CGN-05 has device rules, and its own group is the root of its cgroup namespace', async () => {
    const script = 'grep ^0: /proc/self/cgroup; mknod /run/f c 10 229; (: < /run/f) 2>/dev/null && echo read; echo end';
    const { id, bundle } = await runtime().prepare(script, (config) => {
      config.linux.cgroupsPath = '';
      config.linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
      config.linux.namespaces.push({ type: 'cgroup' });
    });
    const outcome = await command(['run', '--bundle', bundle.path, id]);
    expect(outcome).toEqual({ stdout: '0::/\nend\n', stderr: '', status: 0 });
  });

  it('in a user namespace as well', async () => {
    const { id, cgroup } = await create('exec sleep 100', (config) => {
      config.linux.namespaces.push({ type: 'user' });
      const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux.uidMappings = map;
      config.linux.gidMappings = map;
    });
    await runtime().succeed(['start', id]);
    expect(cgroup).toContain(`kihon-${id}.scope`);
  });

  it('gets limits as properties, and update changes them there', async () => {
    // Without controllers only what takes limits away can be written into files.
    const unlimited = { memory: { limit: -1, swap: -1 }, pids: { limit: -1 } };
    const { id } = await create('exec sleep 100', (config) => {
      config.linux.resources = unlimited;
      config.annotations = { 'org.systemd.property.TimeoutStopSec': '5', 'org.systemd.property.Description': "'mine'" };
    });
    const infinity = 0xffff_ffff_ffff_ffffn;
    expect(fake.propertiesOf('StartTransientUnit')).toMatchObject({
      ...{ MemoryMax: infinity, MemorySwapMax: infinity, TasksMax: infinity },
      ...{ TimeoutStopUSec: 5_000_000n, Description: 'mine' },
    });
    const input = JSON.stringify({ pids: { limit: -1 } });
    await runtime().succeed(['update', '--resources', '-', id], { input });
    expect(fake.propertiesOf('SetUnitProperties')).toEqual({ TasksMax: infinity });
    expect(fake.calls.at(-1)?.body.slice(0, 2)).toEqual([`kihon-${id}.scope`, true]);
  });

  it.each<[string, FakeSystemd['behaviour']]>([
    ['told of before the call is answered', { tellsEarly: true }],
    ['about which somebody else lies', { hasForger: true }],
    ['of a systemd without a version', { version: 'unknown' }],
  ])('does not mind a job %s', async (_, behaviour) => {
    fake.behaviour = behaviour;
    const { id } = await create('exec sleep 100');
    await runtime().succeed(['start', id]);
  });
});

describe('what goes wrong leaves nothing', () => {
  it.each<[string, FakeSystemd['behaviour'], string]>([
    [
      'access denied',
      {
        refuse: {
          member: 'StartTransientUnit',
          error: 'org.freedesktop.DBus.Error.AccessDenied',
          text: 'Permission denied',
        },
      },
      'Permission denied (org.freedesktop.DBus.Error.AccessDenied)',
    ],
    [
      'a property that is not known',
      {
        refuse: {
          member: 'StartTransientUnit',
          error: 'org.freedesktop.DBus.Error.PropertyReadOnly',
          text: 'Cannot set property AllowedCPUs, or unknown property.',
        },
      },
      'Cannot set property AllowedCPUs',
    ],
    ['a failed job', { jobResult: 'failed' }, 'its job ended with "failed"'],
    ['a job that took too long', { jobResult: 'timeout' }, 'its job ended with "timeout"'],
    ['garbage', { garbage: Buffer.from('l\x02\x00\x01' + '\xff'.repeat(40), 'latin1') }, 'message of'],
    ['no bytes of D-Bus at all', { garbage: Buffer.from('HTTP/1.1 400 Bad Request\r\n') }, 'no byte order'],
    ['a process that was not moved', { leavesProcess: true }, 'the process was put into'],
    ['a user that is not let in', { rejectsUser: true }, 'user 0 is rejected'],
  ])('%s', async (_, behaviour, text) => {
    fake.behaviour = behaviour;
    expect(await refusal()).toContain(text);
    await eventually(() => expect(fake.unitNames).toEqual([]));
  });

  it('a signal while a job takes its time: the unit is stopped', async () => {
    fake.behaviour = { isSilent: true };
    const { id, bundle } = await runtime().prepare('exec sleep 100', (config) => {
      config.linux.cgroupsPath = '';
    });
    const args = ['--systemd-cgroup', 'create', '--bundle', bundle.path, id];
    const child = runtime().spawn(args, 'ignore', { DBUS_SYSTEM_BUS_ADDRESS: fake.address });
    await eventually(() => expect(fake.unitNames).toHaveLength(1));
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(1);
    expect(fake.calls.map(({ member }) => member)).toContain('StopUnit');
    expect((await runtime().command(['state', id])).status).not.toBe(0);
    await eventually(() => expect(fake.unitNames).toEqual([]));
  });

  it('no bus: the sockets are named', async () => {
    expect(await refusal(undefined, 'unix:path=/nonexistent/bus')).toContain(
      'systemd cannot be reached (system bus): connect unix:///nonexistent/bus: ENOENT',
    );
    expect(await refusal(undefined, 'tcp:host=localhost')).toContain('DBUS_SYSTEM_BUS_ADDRESS');
  });

  it('a unit of that name that is there already stays', async () => {
    const { id } = await create('exec sleep 100');
    const text = await refusal((config) => {
      config.linux.cgroupsPath = `machine-pods.slice:kihon:${id}`;
    });
    expect(text).toContain('UnitExists');
    expect(fake.unitNames).toEqual([`kihon-${id}.scope`]);
    await runtime().succeed(['delete', '--force', id]);
  });

  it.each([
    '/absolute',
    'a.slice:b',
    'nosuffix:a:b',
    'a--b.slice:c:d',
    'a.slice:b:c.slice',
    'a.slice:b:c d',
    '../x:y:z',
  ])('CGN-03 the path %j is refused', async (path) => {
    const text = await refusal((config) => {
      config.linux.cgroupsPath = path;
    });
    expect(text).toContain('linux.cgroupsPath');
    expect(fake.calls.map(({ member }) => member)).not.toContain('StartTransientUnit');
  });

  it('an annotation that is no value of a property is refused', async () => {
    const text = await refusal((config) => {
      config.annotations = { 'org.systemd.property.CollectMode': 'nonsense' };
    });
    expect(text).toContain('annotations[org.systemd.property.CollectMode]');
  });

  it('delete works when systemd does not answer any more', async () => {
    const other = await FakeSystemd.start(join(runtime().machine.folder, 'other-bus'), home.path, cgroupBelow());
    const { id, bundle } = await runtime().prepare('exec sleep 100', (config) => {
      config.linux.cgroupsPath = '';
    });
    const created = await command(['create', '--bundle', bundle.path, id], runtime(), other.address);
    expect(created).toMatchObject({ status: 0 });
    await other.stop();
    const { stderr } = await runtime().succeed(['delete', '--force', id]);
    expect(stderr).toContain('systemd cannot be reached');
  });
});

function cgroupBelow(): string {
  return home.path.replace(/^\/sys\/fs\/cgroup(\/unified)?/, '');
}

describe('a crash', () => {
  const steps = ['runtime.first-state', 'spawn.child', 'init.start', 'init.cgroup', 'init.mount', 'init.ready'];
  it.each([...steps, 'runtime.prepared', 'runtime.created', 'runtime.detached'])(
    'at %s leaves what delete --force cleans, the unit too',
    async (step) => {
      const { id, bundle } = await crashing().prepare('exec sleep 100', (config) => {
        config.linux.cgroupsPath = '';
      });
      const args = ['--systemd-cgroup', 'create', '--bundle', bundle.path, id];
      const env = { DBUS_SYSTEM_BUS_ADDRESS: fake.address, KIHON_FAILPOINTS: `${step}=kill` };
      const code = await exitOf(crashing().spawn(args, 'ignore', env));
      expect(code).toBe(step.startsWith('runtime.') ? 137 : 1);
      await crashing().succeed(['delete', '--force', id]);
      await crashing().verify();
      await eventually(() => expect(fake.unitNames).toEqual([]));
    },
  );
});
