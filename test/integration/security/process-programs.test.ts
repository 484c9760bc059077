import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { eventually } from '../../support/eventually.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { withUserNamespace, type Edit } from '../../support/oci-bundle.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

describe('the terminals of the guest', () => {
  const fixture = useAgent();

  it('EXE-13 cannot be had: a process leads a session of its own without a terminal', async () => {
    const look =
      'cut -d" " -f1,6,7 /proc/self/stat; (: </dev/tty) 2>&1; for t in hvc0 ttyS0 tty0; do test -e /dev/$t && echo $t; done; true';
    const check = (text: string): void => {
      const [ids = '', tty = '', ...rest] = text.trimEnd().split('\n');
      const [, session, terminal] = ids.split(' ');
      expect(Number(session)).toBeGreaterThan(0);
      expect(terminal).toBe('0');
      expect(tty).toMatch(/No such device or address|can't open/);
      expect(rest).toEqual([]);
    };
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: `${look}; echo end; sleep 600`,
    });
    check((await container.readUntil('end\n')).replace('end\n', ''));
    check((await container.execute(look)).stdout);
  });

  it('EXE-14 the node behind stdio keeps its owner when it is everybody’s', async () => {
    const owner = (): string => execFileSync('stat', ['-c', '%u:%g %a', '/dev/null']).toString();
    const before = owner();
    const process = { User: { UID: 1000, GID: 1000 } };
    const outcome = await TestContainer.run(fixture.client, { root: fixture.root, run: 'ls -ln /dev/null', process });
    expect(outcome.stdout).toMatch(/^crw-rw-rw- +1 0 +0 +1, +3 /);
    expect(owner()).toBe(before);
  });
});

describe('a program of kihon-oci', () => {
  const fixture = useOwnRuntime();

  it('EXE-14 stdio on /dev/null, on a file and on a pipe: only what is the program’s own becomes its own', async () => {
    const owner = (): string => execFileSync('stat', ['-c', '%u:%g %a', '/dev/null']).toString();
    const before = owner();
    const container = await fixture.runtime.create('sleep 600');
    await container.start();
    const outcome = await container.exec('stat -L -c %u /proc/self/fd/0 /proc/self/fd/1; ls -ln /dev/null', [
      '--user',
      '1000',
    ]);
    // 0 is the caller's /dev/null, 1 a file.
    expect(outcome.stdout).toMatch(/^0\n1000\ncrw-rw-rw- +1 0 /);
    expect(owner()).toBe(before);
  });

  it('EXE-08 an exec has the bounds of init: capabilities, limits, filter, umask, cgroup', async () => {
    const look =
      'grep -E "^(Cap...|NoNewPrivs|Seccomp|Groups):" /proc/self/status; umask; ulimit -n; cat /proc/self/cgroup /proc/kcore; readlink /proc/self/ns/user';
    const container = await fixture.runtime.create(`${look}; echo end; sleep 600`, ({ process, linux }) => {
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 99 }];
      process.user.umask = 0o77;
      process.user.additionalGids = [7];
      process.oomScoreAdj = 300;
      linux.maskedPaths = ['/proc/kcore'];
      linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] };
    });
    await container.start();
    const exec = await container.exec(look);
    await eventually(async () => expect(await container.stdout()).toMatch(/end\n$/));
    const init = (await container.stdout()).replace(/end\n$/, '');
    expect(exec.stdout).toContain('Seccomp:\t2');
    expect(exec.stdout).toContain('0077\n77\n');
    expect(exec.stdout).toBe(init);
  });

  it('EXE-09 programs and libraries of the container are never run in its place', async () => {
    const container = await fixture.runtime.prepare('sleep 100', (config) => withUserNamespace(config));
    const root = join(container.bundle.path, 'rootfs');
    const trap = '#!/bin/sh\necho taken >/taken\n';
    for (const path of [
      'sbin/modprobe',
      'sbin/ip',
      'usr/sbin/iptables-restore',
      'usr/bin/newuidmap',
      'usr/bin/nsenter',
    ]) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      execFileSync('rm', ['-f', join(root, path)]);
      writeFileSync(join(root, path), trap, { mode: 0o755 });
    }
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: evil\n');
    await container.create();
    await container.start();
    expect(await container.exec('true', ['--user', '1000'])).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(root, 'taken'))).toBe(false);
  });

  it('EXE-10 a hook has its own environment and stands outside of the root', async () => {
    const container = await fixture.runtime.prepare('true', (config) => {
      config.process.env.push('LD_PRELOAD=/evil.so', 'SECRET=1');
      config.hooks = {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'env >seen; pwd >>seen'], env: ['A=b'] }],
      };
    });
    const { path } = container.bundle;
    const outcome = await fixture.runtime.command(['run', '--bundle', path, container.id]);
    expect(outcome.status, outcome.stderr).toBe(0);
    const seen = await fixture.machine.read(join(path, 'seen'));
    expect(seen).toContain('A=b\n');
    expect(seen).not.toMatch(/LD_PRELOAD|SECRET/);
    expect(seen).toContain(`\n${path}\n`);
  });

  it('EXE-11 the environment is passed byte for byte, or refused', async () => {
    const big = 'x'.repeat(100_000);
    const env = [
      'PATH=/bin',
      'A=1',
      'B= \t x ',
      'N=a\nb',
      'E=',
      'A=2',
      'LD_LIBRARY_PATH=/x',
      `BIG=${big}`,
      'HOME=',
      'Ü=ü',
    ];
    const run = ['sh', '-c', 'tr "\\0" "\\n" </proc/self/environ | md5sum; echo "$A|$B|$E|${#BIG}|$HOME"'];
    const outcome = await fixture.runtime.run(run, ({ process }) => (process.env = env));
    expect(outcome.stdout.split('\n')[1]).toBe('2| \t x ||100000|');
    for (const entry of ['no equals', 'A=\0']) {
      expect(await fixture.runtime.refusal(({ process }) => process.env.push(entry))).toMatch(/env/);
    }
    const tooMuch = await fixture.runtime.run('true', ({ process }) => process.env.push(`BIG=${'x'.repeat(1 << 20)}`));
    expect(tooMuch.status).not.toBe(0);
    expect(tooMuch.stderr).toContain('E2BIG');
  });

  const programs: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ['a folder', (path) => mkdirSync(path), /EACCES|EISDIR/],
    ['a FIFO', (path) => execFileSync('mkfifo', ['-m', '755', path]), /EACCES/],
    ['a device', (path) => execFileSync('mknod', ['-m', '777', path, 'c', '1', '3']), /EACCES/],
    ['a script that names itself', (path) => writeFileSync(path, '#!/program\n', { mode: 0o755 }), /ELOOP/],
    ['a script without interpreter', (path) => writeFileSync(path, '#!/none\n', { mode: 0o755 }), /ENOENT/],
    ['an empty file', (path) => writeFileSync(path, '', { mode: 0o755 }), /ENOEXEC/],
    ['text', (path) => writeFileSync(path, 'hello\n', { mode: 0o755 }), /ENOEXEC/],
    [
      'not executable',
      (path) => {
        writeFileSync(path, '#!/bin/sh\n');
        chmodSync(path, 0);
      },
      /EACCES/,
    ],
    ['a link to itself', (path) => symlinkSync('program', path), /ELOOP|not found/],
    ['missing', () => undefined, /not found/],
  ];

  it.each(programs)('EXE-12 a program that is %s is an error at once', async (_kind, make, reason) => {
    const container = await fixture.runtime.prepare(['/program']);
    make(join(container.bundle.path, 'rootfs/program'));
    const outcome = await fixture.runtime.command(['run', '--bundle', container.bundle.path, container.id]);
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toMatch(reason);
  });

  it('EXE-12 too many arguments are an error', async () => {
    const args = ['/bin/true', ...Array.from({ length: 20 }, () => 'x'.repeat(120_000))];
    const outcome = await fixture.runtime.run(args);
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toContain('E2BIG');
  });

  const mapped = (
    uidMappings: object[],
    gidMappings: object[] = [{ containerID: 0, hostID: 100_000, size: 10 }],
  ): Edit => {
    return (config) => {
      withUserNamespace(config);
      Object.assign(config.linux, { uidMappings, gidMappings });
    };
  };
  const range = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });

  it.each<[string, Edit]>([
    ['overlap inside', mapped([range(0, 100_000, 10), range(5, 200_000, 10)])],
    ['overlap outside', mapped([range(0, 100_000, 10), range(10, 100_005, 10)])],
    ['are empty', mapped([range(0, 100_000, 0)])],
    ['reach beyond the ids', mapped([range(1, 100_000, 4_294_967_295)])],
    ['end beyond the ids outside', mapped([range(0, 4_294_967_290, 10)])],
    ['are too many', mapped(Array.from({ length: 341 }, (_, index) => range(index, 100_000 + index, 1)))],
    ['are for users only', mapped([range(0, 100_000, 10)], [])],
    [
      'do not hold the user',
      (config) => {
        withUserNamespace(config, 100_000, 10);
        config.process.user.uid = 1000;
      },
    ],
    ['have no namespace', ({ linux }) => (linux.uidMappings = [range(0, 100_000, 10)])],
  ])('PRV-10 id maps that %s are refused', async (_name, edit) => {
    expect(await fixture.runtime.refusal(edit)).toMatch(/[ug]idMappings|not mapped|user namespace/);
  });

  it('PRV-10 a valid map reads back, and groups are as asked for in it', async () => {
    const outcome = await fixture.runtime.run(
      'cat /proc/self/uid_map; id -G; grep ^CapEff /proc/self/status',
      (config) => {
        withUserNamespace(config, 100_000, 1000);
        config.process.user = { uid: 5, gid: 6, additionalGids: [7, 8] };
      },
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout.trim().split(/\s+/).slice(0, 3)).toEqual(['0', '100000', '1000']);
    expect(outcome.stdout).toContain('6 7 8\n');
  });
});
