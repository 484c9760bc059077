import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest, mount, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';

describe('a program in a container', () => {
  const fixture = useAgent();
  const output = async (run: string | readonly string[], options: Partial<ContainerOptions> = {}) => {
    const outcome = await TestContainer.run(fixture.client, { root: fixture.root, run, ...options });
    expect(outcome.stderr).toBe('');
    return outcome.stdout;
  };

  it('has exactly the environment it was given, and HOME', async () => {
    expect(
      (await output(['/usr/bin/env'], { env: ['PATH=/bin', 'A=1', 'B=x=y', 'A=2'] })).trim().split('\n').sort(),
    ).toEqual(['A=2', 'B=x=y', 'HOME=/root', 'PATH=/bin']);
    expect(await output(['/usr/bin/env'], { env: ['PATH=/bin', 'HOME=/elsewhere'] })).toContain('HOME=/elsewhere\n');
  });

  it('starts in its working directory, which is made for it', async () => {
    const root = await fixture.roots.copy();
    expect(await output('pwd', { root, process: { Cwd: '/made/for/it' } })).toBe('/made/for/it\n');
    expect(statSync(join(root, 'made/for/it')).isDirectory()).toBe(true);
    expect(await output('pwd')).toBe('/\n');
  });

  it('has the user and the groups of the request; an empty list clears them', async () => {
    expect(await output('id -u; id -g; id -G', { process: { User: { UID: 5, GID: 6, AdditionalGids: [7, 8] } } })).toBe(
      '5\n6\n6 7 8\n',
    );
    expect(await output('id -G', { process: { User: { UID: 5, GID: 6 } } })).toBe('6\n');
  });

  it('has the capabilities, the limits and the umask of a container', async () => {
    const status = await output('cat /proc/self/status; umask; ulimit -n; ulimit -c', {
      process: {
        Capabilities: { Bounding: ['CAP_KILL', 'CAP_CHOWN'], Permitted: ['CAP_CHOWN'], Effective: ['CAP_CHOWN'] },
        Rlimits: [
          { Type: 'RLIMIT_NOFILE', Hard: 200n, Soft: 100n },
          { Type: 'RLIMIT_CORE', Hard: 0n, Soft: 0n },
        ],
      },
    });
    expect(status).toContain('CapInh:\t0000000000000000');
    expect(status).toContain('CapEff:\t0000000000000001');
    expect(status).toContain('CapBnd:\t0000000000000021');
    expect(status).toContain('NoNewPrivs:\t1');
    expect(status).toContain('SigBlk:\t0000000000000000');
    expect(status).toContain('SigIgn:\t0000000000000000');
    expect(status.endsWith('0022\n100\n0\n')).toBe(true);
  });

  it('has no new privileges only when that is asked for', async () => {
    expect(await output('grep NoNew /proc/self/status', { process: { NoNewPrivileges: false } })).toBe(
      'NoNewPrivs:\t0\n',
    );
  });

  it('is PID 1 in a pid namespace of its own and sees nobody else', async () => {
    expect(await output('echo $$; ls -d /proc/[0-9]* | wc -l')).toMatch(/^1\n[12345]\n$/);
  });

  it('shares host name and ipc with the containers of its sandbox, and nothing else', async () => {
    const look = 'for n in ipc uts pid mnt cgroup; do readlink /proc/self/ns/$n; done; hostname';
    const [one, two] = (await Promise.all([output(look), output(look)])).map((text) => text.trim().split('\n'));
    expect(one?.slice(0, 2)).toEqual(two?.slice(0, 2));
    for (const index of [2, 3, 4]) expect(one?.[index]).not.toBe(two?.[index]);
    expect(one?.[5]).toBe('podname');
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()).not.toBe('podname');
  });

  it('sees its own cgroup as the root of all', async () => {
    expect(await output('grep ^0: /proc/self/cgroup')).toBe('0::/\n');
  });

  it('finds the usual devices and links, and no others', async () => {
    const text = await output(
      'for d in null zero full random urandom tty; do stat -c "%n %t:%T %a" /dev/$d; done; for l in fd stdin stdout stderr ptmx; do echo $l $(readlink /dev/$l); done; ls /dev',
    );
    expect(text).toContain('/dev/null 1:3 666');
    expect(text).toContain('/dev/zero 1:5 666');
    expect(text).toContain('/dev/full 1:7 666');
    expect(text).toContain('/dev/random 1:8 666');
    expect(text).toContain('/dev/urandom 1:9 666');
    expect(text).toContain('/dev/tty 5:0 666');
    for (const link of ['fd /proc/self/fd', 'stdin /proc/self/fd/0', 'stderr /proc/self/fd/2', 'ptmx pts/ptmx'])
      expect(text).toContain(`${link}\n`);
    const names = text
      .slice(text.indexOf('ptmx pts/ptmx\n') + 14)
      .trim()
      .split('\n');
    expect(names.filter((name) => name !== 'core' && name !== 'kcore').sort()).toEqual([
      'fd',
      'full',
      'mqueue',
      'null',
      'ptmx',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ]);
  });

  it('gets the devices of the spec', async () => {
    expect(
      await output('stat -c "%F %t:%T %a %u:%g" /dev/mine', {
        linux: {
          Namespaces: [{ Type: 'mount' }],
          Devices: [{ Path: '/dev/mine', Type: 'c', Major: 1n, Minor: 7n, FileMode: 0o640, UID: 3, GID: 4 }],
        },
      }),
    ).toBe('character special file 1:7 640 3:4\n');
  });

  it('cannot read masked paths or write read-only ones', async () => {
    const text = await output(
      'cat /proc/keys | wc -c; ls /sys/firmware | wc -l; (echo x > /proc/sys/kernel/panic) 2>/dev/null || echo read-only; (echo b > /proc/sysrq-trigger) 2>/dev/null || echo no-sysrq; (mkdir /sys/x) 2>/dev/null || echo no-sys',
    );
    expect(text).toBe('0\n0\nread-only\nno-sysrq\nno-sys\n');
  });

  it('masks a folder of its own with an empty read-only one', async () => {
    const root = await fixture.roots.copy();
    mkdirSync(join(root, 'secrets'));
    writeFileSync(join(root, 'secrets/key'), 'secret');
    writeFileSync(join(root, 'plain'), 'secret');
    const linux = {
      Namespaces: [{ Type: 'mount' }],
      MaskedPaths: ['/secrets', '/plain', '/missing'],
      ReadonlyPaths: ['/etc', '/missing'],
    };
    const text = await output(
      'ls /secrets | wc -l; cat /plain; (touch /secrets/x) 2>/dev/null || echo ro; (touch /etc/x) 2>/dev/null || echo ro',
      { root, linux },
    );
    expect(text).toBe('0\nro\nro\n');
  });

  it('cannot write to a read-only root', async () => {
    const text = await output('(touch /x) 2>/dev/null || echo ro; touch /run/x && echo rw', {
      spec: { Root: { Path: fixture.root, Readonly: true } },
    });
    expect(text).toBe('ro\nrw\n');
  });

  it('gets bind mounts of folders and files, read-only where asked', async () => {
    const source = join(fixture.roots.folder, 'volume');
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'file'), 'from outside\n');
    const text = await output(
      'cat /v/file /f; echo more > /v/new; cat /v/new; (echo x > /ro/file) 2>/dev/null || echo ro; cat /ro/file',
      {
        root: await fixture.roots.copy(),
        mounts: [
          mount('/v', source, 'bind', 'rbind', 'rw'),
          mount('/f', join(source, 'file'), 'bind', 'rbind', 'ro'),
          mount('/ro', source, 'bind', 'rbind', 'ro'),
        ],
      },
    );
    expect(text).toBe('from outside\nfrom outside\nmore\nro\nfrom outside\n');
  });

  it('gets a fresh tmpfs with the size that was asked for', async () => {
    const text = await output('df -k /t | tail -1', {
      mounts: [mount('/t', 'tmpfs', 'tmpfs', 'size=1024k')],
      root: await fixture.roots.copy(),
    });
    expect(text).toMatch(/tmpfs\s+1024\s/);
  });

  it('finds its mounts inside, wherever links of the image point', async () => {
    const root = await fixture.roots.copy();
    const outside = join(fixture.watched.canary.folder, 'deep');
    symlinkSync(outside, join(root, 'out'));
    symlinkSync('../../../../../../..', join(root, 'up'));
    const text = await output('grep -c " /[^ ]*/x " /proc/self/mountinfo', {
      root,
      mounts: [mount('/out/x', 'tmpfs', 'tmpfs'), mount('/up/y/x', 'tmpfs', 'tmpfs')],
    });
    expect(text).toBe('2\n');
    expect(existsSync(join(outside, 'x'))).toBe(false);
  });

  it('sees nothing of the machine in its mount table', async () => {
    const text = await output('cat /proc/self/mountinfo');
    expect(text).not.toContain(fixture.agent.folder);
    expect(text).not.toContain('/run/kata-containers');
    expect(text.split('\n').filter((line) => line.split(' ')[4] === '/')).toHaveLength(1);
  });

  it('has its sysctls', async () => {
    const text = await output('cat /proc/sys/kernel/shm_rmid_forced', {
      linux: { Namespaces: [{ Type: 'ipc' }, { Type: 'mount' }], Sysctl: new Map([['kernel.shm_rmid_forced', '1']]) },
    });
    expect(text).toBe('1\n');
  });

  it('may be a bare name in the PATH of its environment', async () => {
    expect(await output(['echo', 'found'])).toBe('found\n');
    const request = createRequest(freshId(), { root: fixture.root, run: ['echo', 'x'], env: [] });
    await expectStatus(fixture.client.call('CreateContainer', request), 'internal', 'echo', 'was not found');
  });

  it('has home in the passwd file of its image', async () => {
    const root = await fixture.roots.copy();
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nann:x:1234:1234::/home/ann:/bin/sh\n');
    expect(await output('echo $HOME', { root, process: { User: { UID: 1234, GID: 1234 } } })).toBe('/home/ann\n');
    expect(await output('echo $HOME', { root, process: { User: { UID: 4321, GID: 1 } } })).toBe('/\n');
  });

  it('has its oom score', async () => {
    expect(await output('cat /proc/self/oom_score_adj', { process: { OOMScoreAdj: 500n } })).toBe('500\n');
  });
});
