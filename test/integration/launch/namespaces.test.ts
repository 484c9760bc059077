import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { withUserNamespace, withoutNamespace } from '../../support/oci-bundle.ts';
import type { Edit } from '../../support/oci-bundle.ts';
import { useRuntime } from '../../support/oci.ts';
import type { OciContainer } from '../../support/oci-runtime.ts';

const runtime = useRuntime();

/** Ids that the containers' roots are mapped to. */
const base = 200_000;

const linksOf = (script: string): Map<string, string> =>
  new Map(
    script
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );

/** `<type> <type>:[inode]` for every namespace of the process that runs it. */
const tellNamespaces = 'for n in user net ipc uts pid mnt time cgroup; do echo $n $(readlink /proc/self/ns/$n); done';

async function namespacesOf(container: OciContainer): Promise<Map<string, string>> {
  const { pid } = await container.state();
  const script = tellNamespaces.replace('/proc/self', `/proc/${pid}`);
  return linksOf((await runtime().machine.command(['sh', '-c', script])).stdout);
}

describe('a user namespace', () => {
  it('maps what the spec says, line by line, also when there are many lines', async () => {
    const { stdout, stderr } = await runtime().run('cat /proc/self/uid_map | tr -s " "; id -u', (config) => {
      withUserNamespace(config, base, 10);
      for (let index = 0; index < 200; index++)
        config.linux.uidMappings?.push({ containerID: 1000 + 2 * index, hostID: base + 1000 + 3 * index, size: 1 });
    });
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(202);
    expect(lines[200]).toBe(` 1398 ${base + 1597} 1`);
    expect(lines[201]).toBe('0');
  });

  it('PRV-10 names an id that is not mapped before anything is made', async () => {
    const refusal = await runtime().refusal((config) => {
      withUserNamespace(config, base, 1000);
      config.process.user = { uid: 1000, gid: 0 };
    });
    expect(refusal).toContain('process.user.uid 1000 is not mapped');
    expect(
      await runtime().refusal((config) => {
        withUserNamespace(config, base, 1000);
        config.linux.gidMappings = [{ containerID: 1, hostID: base, size: 10 }];
      }),
    ).toContain('linux.gidMappings: group 0');
  });

  it('owns the other namespaces: its root sets a host name and mounts', async () => {
    const { stdout, stderr } = await runtime().run(
      'hostname other && hostname; mount -t tmpfs x /mnt && echo mounted',
      (config) => {
        withUserNamespace(config, base);
        const capabilities = ['CAP_SYS_ADMIN'];
        config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
      },
    );
    expect(stderr).toBe('');
    expect(stdout).toBe('other\nmounted\n');
  });

  it('takes a root directory below folders that its own root cannot walk through', async () => {
    const container = await runtime().prepare('echo inside', (config) => withUserNamespace(config, base));
    const { path } = container.bundle;
    await runtime().machine.command(['chmod', '700', path]);
    const { stdout, stderr } = await runtime().command(['run', '--bundle', path, container.id]);
    expect(stderr).toBe('');
    expect(stdout).toBe('inside\n');
  });

  it('takes a root directory below folders that only its own root can walk through (podman’s keep-id)', async () => {
    const container = await runtime().prepare('echo inside', (config) => withUserNamespace(config, base));
    const { path } = container.bundle;
    await runtime().machine.command([
      'sh',
      '-c',
      `mkdir ${path}/own && mv ${path}/rootfs ${path}/own && chmod 700 ${path}/own`,
    ]);
    const config = { ...container.bundle.config, root: { path: 'own/rootfs' } };
    await runtime().machine.write(`${path}/config.json`, JSON.stringify(config));
    await runtime().machine.command(['chown', `${base}:${base}`, `${path}/own`]);
    const { stdout, stderr } = await runtime().command(['run', '--bundle', path, container.id]);
    expect(stderr).toBe('');
    expect(stdout).toBe('inside\n');
  });

  it('gives its processes an OOM score and limits that they could not take', async () => {
    const { stdout } = await runtime().run('cat /proc/self/oom_score_adj; ulimit -n; ulimit -Hn', (config) => {
      withUserNamespace(config, base);
      config.process.oomScoreAdj = 100;
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
    });
    expect(stdout).toBe('100\n100\n200\n');
  });

  it('holds for an exec, with every other namespace of init', async () => {
    const container = await runtime().create('sleep 100', (config) => withUserNamespace(config, base));
    await container.start();
    const { stdout, stderr, status } = await container.exec(`${tellNamespaces}; id -u; cat /proc/self/oom_score_adj`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines.slice(-2)).toEqual(['0', '0']);
    expect(linksOf(lines.slice(0, -2).join('\n'))).toEqual(await namespacesOf(container));
    await container.end();
  });

  it('can be joined by path; what is new belongs to it, what is joined stays whose it is', async () => {
    const first = await runtime().create('sleep 100', (config) => withUserNamespace(config, base));
    await first.start();
    const { pid } = await first.state();
    const joined = ['user', 'ipc', 'pid'] as const;
    const script = `${tellNamespaces}; hostname inside && hostname`;
    const { stdout, stderr } = await runtime().run(script, (config) => {
      for (const type of joined) {
        withoutNamespace(config, type);
        config.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${type}` });
      }
      const capabilities = ['CAP_SYS_ADMIN'];
      config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    });
    expect(stderr).toBe('');
    const found = linksOf(stdout);
    const expected = await namespacesOf(first);
    for (const type of joined) expect(found.get(type)).toBe(expected.get(type));
    for (const type of ['net', 'uts', 'mnt']) expect(found.get(type)).not.toBe(expected.get(type));
    expect(stdout).toContain('\ninside\n');
    await first.end();
  });

  it('leaves a network that belongs to somebody else where it is, found by a path that is mounted', async () => {
    const first = await runtime().create('sleep 100');
    const { pid } = await first.state();
    const place = `${first.bundle.path}/net`;
    await runtime().machine.command(['sh', '-c', `touch ${place} && mount --bind /proc/${pid}/ns/net ${place}`]);
    try {
      const { stdout, stderr } = await runtime().run(tellNamespaces, (config) => {
        withUserNamespace(config, base);
        withoutNamespace(config, 'network');
        config.linux.namespaces.push({ type: 'network', path: place });
        config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
      });
      expect(stderr).toBe('');
      expect(linksOf(stdout).get('net')).toBe((await namespacesOf(first)).get('net'));
    } finally {
      await runtime().machine.command(['umount', place]);
      await first.end();
    }
  });
});

describe('a time namespace', () => {
  const uptime = async (): Promise<number> =>
    Number((await runtime().machine.command(['cat', '/proc/uptime'])).stdout.split(' ')[0]);

  it.each([false, true])('shifts both clocks for init and exec (in a user namespace: %s)', async (isMapped) => {
    const container = await runtime().create('cat /proc/uptime; sleep 100', (config) => {
      if (isMapped) withUserNamespace(config, base);
      config.linux.namespaces.push({ type: 'time' });
      config.linux['timeOffsets'] = { monotonic: { secs: 7200, nanosecs: 1 }, boottime: { secs: 1_000_000 } };
    });
    await container.start();
    const inside = await container.exec('cat /proc/uptime; cat /proc/self/timens_offsets; readlink /proc/self/ns/time');
    const [first = '', monotonic = '', boottime = ''] = inside.stdout.split('\n');
    expect(Number(first.split(' ')[0])).toBeGreaterThanOrEqual(1_000_000);
    expect(Number(first.split(' ')[0])).toBeLessThanOrEqual((await uptime()) + 1_000_000);
    expect(monotonic.split(/\s+/)).toEqual(['monotonic', '7200', '1']);
    expect(boottime.split(/\s+/)).toEqual(['boottime', '1000000', '0']);
    await eventually(async () =>
      expect(Number((await container.stdout()).split(' ')[0])).toBeGreaterThanOrEqual(1_000_000),
    );
    await container.end();
  });

  it('can be joined', async () => {
    const first = await runtime().create('sleep 100', (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux['timeOffsets'] = { boottime: { secs: 2_000_000 } };
    });
    const { pid } = await first.state();
    const { stdout } = await runtime().run('cat /proc/uptime', (config) => {
      config.linux.namespaces.push({ type: 'time', path: `/proc/${pid}/ns/time` });
    });
    expect(Number(stdout.split(' ')[0])).toBeGreaterThanOrEqual(2_000_000);
    await first.end();
  });
});

describe('CGN-08: a namespace path that is not what it claims', () => {
  const refusal = (path: string): Promise<string> =>
    runtime().refusal((config) => {
      withoutNamespace(config, 'network');
      config.linux.namespaces.push({ type: 'network', path });
    });

  it('is refused by what the descriptor is', async () => {
    const { folder } = runtime().machine;
    await runtime().machine.command(['mkfifo', `${folder}/fifo`]);
    expect(await refusal(`${folder}/fifo`)).toContain('is no namespace');
    expect(await refusal('/etc/passwd')).toContain('is no namespace');
    expect(await refusal(`${folder}/missing`)).toContain('ENOENT');
    const own = await runtime().refusal((config) => {
      withoutNamespace(config, 'uts');
      config.linux.namespaces.push({ type: 'uts', path: '/proc/self/ns/uts' });
    });
    expect(own).toContain("the runtime's own namespace");
    const other = await runtime().create('sleep 100');
    const { pid } = await other.state();
    expect(await refusal(`/proc/${pid}/ns/mnt`)).toContain('is a mount namespace');
    await other.end();
    expect(await refusal(`/proc/${pid}/ns/net`)).toContain('ENOENT');
  });
});

describe('the network namespace of the runtime, joined by its path', () => {
  const inherit: Edit = (config) => {
    withoutNamespace(config, 'network');
    config.linux.namespaces.push({ type: 'network', path: '/proc/self/ns/net' });
  };

  it('is inherited', async () => {
    const { stdout } = await runtime().run('readlink /proc/self/ns/net', inherit);
    expect(stdout).toBe((await runtime().machine.command(['readlink', '/proc/self/ns/net'])).stdout);
  });

  it('is not changed by the container', async () => {
    const said = await runtime().refusal((config) => {
      inherit(config);
      config.linux['sysctl'] = { 'net.ipv4.ip_forward': '1' };
    });
    expect(said).toContain('net.ipv4.ip_forward');
  });
});

describe('without root', () => {
  it('the own id can be mapped, and groups stay what they are', async () => {
    const container = await runtime().prepare('id -u; cat /proc/self/setgroups; cat /proc/self/uid_map', (config) => {
      withoutNamespace(config, 'network');
      withUserNamespace(config, 65534, 1);
      delete config.linux.cgroupsPath;
      config.mounts = config.mounts
        .filter(({ destination }) => destination !== '/sys')
        .map((mount) => ({ ...mount, options: mount.options?.filter((option) => option !== 'gid=5') ?? [] }));
    });
    const { path } = container.bundle;
    const state = `${path}/state`;
    await runtime().machine.command(['chown', '65534:65534', path]);
    const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...runtime().argv];
    const command = [
      ...asNobody,
      '--cgroup-manager',
      'disabled',
      '--root',
      state,
      'run',
      '--bundle',
      path,
      container.id,
    ];
    const { stdout, stderr } = await runtime().machine.command(command);
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 2)).toEqual(['0', 'deny']);
    expect(stdout.split('\n')[2]?.trim().split(/\s+/)).toEqual(['0', '65534', '1']);
  });
});
