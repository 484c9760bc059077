import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { childrenOf } from '../../support/agent/kernel-view.ts';
import { mount } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { withoutNamespace, type Edit } from '../../support/oci-bundle.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

/** How many processes are in the cgroup of a container and have not ended: whom nobody reaps is the workload's own matter. */
function strays(id: string): string {
  const script = `for f in $(grep -ls ${id} /proc/[0-9]*/cgroup); do grep -qs '^State:.[^ZX]' \${f%cgroup}status && echo; done | wc -l`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim();
}

describe('namespaces and kihon-oci', () => {
  const fixture = useOwnRuntime();
  const joins =
    (type: string, path: string): Edit =>
    (config) => {
      withoutNamespace(config, type);
      config.linux.namespaces.push({ type, path });
    };

  it('CGN-08 a path is followed to what it is, whatever it is called', async () => {
    const { runtime, machine } = fixture;
    const other = await runtime.create('sleep 100');
    const { pid } = await other.state();
    const link = join(machine.folder, 'link');
    symlinkSync(`/proc/${pid}/ns/uts`, link);
    expect(await runtime.refusal(joins('network', link))).toContain('is a uts namespace');
    const outcome = await runtime.run('readlink /proc/self/ns/uts', joins('uts', link));
    expect(outcome.stdout.trim()).toBe(readlinkSync(`/proc/${pid}/ns/uts`));
    for (const path of ['/dev/zero', '/proc/self/fd/0', `/proc/${pid}/root`, `/proc/${pid}/exe`, '/', '/proc/1/status'])
      expect(await runtime.refusal(joins('network', path)), path).toMatch(/is no namespace|linux\.namespaces/);
    await other.end();
  });

  it.each(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'])('CGN-08 %s is named once at most', async (type) => {
    const text = await fixture.runtime.refusal(({ linux }) => {
      linux.namespaces = [...linux.namespaces.filter((entry) => entry.type !== type), { type }, { type }];
    });
    expect(text).toContain('linux.namespaces');
  });

  it.each<[string, string, Edit]>([
    [
      'a host name',
      'hostname',
      (config) => {
        config.hostname = 'taken-over';
        withoutNamespace(config, 'uts');
      },
    ],
    [
      'a domain name',
      'domainname',
      (config) => {
        config.domainname = 'taken-over';
        withoutNamespace(config, 'uts');
      },
    ],
    [
      'masked paths',
      'mount namespace',
      (config) => {
        config.linux.maskedPaths = ['/proc/keys'];
        withoutNamespace(config, 'mount');
      },
    ],
    [
      'read-only paths',
      'mount namespace',
      (config) => {
        config.linux.readonlyPaths = ['/proc/sys'];
        withoutNamespace(config, 'mount');
      },
    ],
    ['time offsets', 'linux.timeOffsets', ({ linux }) => (linux['timeOffsets'] = { boottime: { secs: 5 } })],
    [
      'network devices',
      'linux.netDevices',
      (config) => {
        config.linux['netDevices'] = { lo: {} };
        withoutNamespace(config, 'network');
      },
    ],
    [
      'settings of the network',
      'linux.sysctl',
      (config) => {
        config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
        withoutNamespace(config, 'network');
        config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
      },
    ],
  ])('CGN-09 %s without the namespace to set them in are refused', async (_, field, edit) => {
    const names = () =>
      ['hostname', 'domainname', 'ostype'].map((name) => readFileSync(`/proc/sys/kernel/${name}`, 'utf8'));
    const before = names();
    const forwards = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
    expect(await fixture.runtime.refusal(edit)).toMatch(new RegExp(field.replace('.', '\\.')));
    expect(names()).toEqual(before);
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(forwards);
  });

  /** Processes that leave their parent, their session, and the terminal's reach; one of them stops itself. */
  const STRAY = `
    setsid sleep 601 & (setsid sleep 602 &) ; sh -c 'kill -STOP $$; sleep 603' &
    trap '' TERM HUP INT; while :; do sleep 0.1; done`;

  it.each([
    ['kill --all', ['kill', '--all'], ['KILL']],
    ['delete --force', ['delete', '--force'], []],
  ])('CGN-10 `%s` ends everything in a container without a pid namespace', async (_, before, after) => {
    const { runtime } = fixture;
    const container = await runtime.create(STRAY, (config) => withoutNamespace(config, 'pid'));
    await container.start();
    await eventually(() => expect(Number(strays(container.id))).toBeGreaterThan(4));
    await runtime.succeed([...before, container.id, ...after]);
    await eventually(() => expect(strays(container.id)).toBe('0'));
    if (before[0] === 'kill') {
      await container.stopped();
      await container.delete();
    }
  });

  it('CGN-10 deleting a container whose init is gone, and whose others are not, ends those', async () => {
    const { runtime } = fixture;
    const container = await runtime.create('setsid sleep 601 & exit 0', (config) => withoutNamespace(config, 'pid'));
    await container.start();
    await container.stopped();
    await eventually(() => expect(strays(container.id)).toBe('1'));
    await container.delete();
    await eventually(() => expect(strays(container.id)).toBe('0'));
  });
});

describe('namespaces and the agent', () => {
  const fixture = useAgent();

  it('CGN-08 a path that is not what it claims is refused, and a FIFO opened by nobody', async () => {
    const { client, root, roots } = fixture;
    const fifo = join(roots.folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const [path, words] of [
      [fifo, 'is no namespace'],
      ['/etc/passwd', 'is no namespace'],
      ['/proc/self/ns/mnt', 'is a mount namespace'],
      ['/proc/self/ns/net', "runtime's own"],
      ['/nowhere', 'ENOENT'],
      ['/proc/4194304/ns/net', 'ENOENT'],
    ] as const) {
      const Namespaces = [{ Type: 'mount' }, { Type: 'network', Path: path }];
      const create = TestContainer.create(client, { root, linux: { Namespaces } });
      await expectStatus(create, ['invalid_argument', 'internal', 'not_found', 'failed_precondition'], words);
    }
    const Namespaces = [{ Type: 'mount' }, { Type: 'ipc' }, { Type: 'mount' }];
    const twice = TestContainer.create(client, { root, linux: { Namespaces } });
    await expectStatus(twice, 'invalid_argument', 'linux.namespaces');
  });

  it('CGN-09 a host name without a namespace for it is refused', async () => {
    const before = readFileSync('/proc/sys/kernel/hostname', 'utf8');
    const create = TestContainer.create(fixture.client, {
      root: fixture.root,
      spec: { Hostname: 'taken-over' },
      linux: { Namespaces: [{ Type: 'mount' }] },
    });
    await expectStatus(create, 'invalid_argument', 'hostname');
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(before);
  });

  const ownCgroup = mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'rw', 'nosuid', 'noexec', 'nodev');
  /** Beside those that only leave their parent: one in a group of its own, and one in a group that is frozen. */
  const STRAY = `
    setsid sleep 601 & (setsid sleep 602 &); sh -c 'kill -STOP $$; sleep 603' &
    mkdir /sys/fs/cgroup/own /sys/fs/cgroup/frozen && sleep 604 & echo $! > /sys/fs/cgroup/own/cgroup.procs
    sleep 605 & echo $! > /sys/fs/cgroup/frozen/cgroup.procs; echo 1 > /sys/fs/cgroup/frozen/cgroup.freeze
    trap '' TERM HUP INT; echo ready; while :; do sleep 0.1; done`;

  it.each(['SIGKILL to all', 'removal'])(
    'CGN-10 in a shared pid namespace the %s of a container ends all of it',
    async (way) => {
      // The namespace is that of the sandbox's first container.
      await using watched = await Watched.start({}, async (client) => {
        await client.call('CreateSandbox', { sandbox_id: 'pod' });
      });
      const { client, agent } = watched;
      const { root } = fixture;
      const request = { sandbox_pidns: true };
      await using first = await TestContainer.start(client, { root, run: 'sleep 600' });
      const container = await TestContainer.start(client, { root, run: STRAY, request, mounts: [ownCgroup] });
      await container.readUntil('ready');
      if (way === 'removal') await container.remove();
      else {
        await container.killAll();
        expect(await container.wait()).toBe(137);
        await container.remove();
      }
      await eventually(() => expect(strays(container.id)).toBe('0'));
      expect(await first.execute('echo alive')).toMatchObject({ stdout: 'alive\n' });
      expect(childrenOf(agent.pid).filter((child) => child.state === 'Z')).toEqual([]);
    },
  );
});
