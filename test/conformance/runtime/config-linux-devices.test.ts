import { expect } from 'vitest';
import { withUserNamespace } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

const STAT = 'stat -c "%F %t %T %a %u %g"';

section('config-linux.md#devices', ({ promise, operation }) => {
  promise('a device appears with type, numbers, mode and owner', async (runner) => {
    const { stdout, stderr } = await runner.run(`${STAT} /dev/mine /dev/fifo`, (config) => {
      config.linux.devices = [
        { type: 'c', path: '/dev/mine', major: 10, minor: 229, fileMode: 0o640, uid: 11, gid: 12 },
        { type: 'p', path: '/dev/fifo', fileMode: 0o600, uid: 0, gid: 0 },
      ];
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 2)).toEqual(['character special file a e5 640 11 12', 'fifo 0 0 600 0 0']);
  });

  promise('the path may be anywhere in the container', async (runner) => {
    const { stdout } = await runner.run(`${STAT} /elsewhere/deep`, (config) => {
      config.linux.devices = [{ type: 'c', path: '/elsewhere/deep', major: 1, minor: 3, fileMode: 0o666 }];
    });
    expect(stdout).toMatch(/^character special file 1 3 666/);
  });

  promise('u is another name of c', async (runner) => {
    const { stdout } = await runner.run(`${STAT} /dev/mine`, (config) => {
      config.linux.devices = [{ type: 'u', path: '/dev/mine', major: 1, minor: 3, fileMode: 0o666 }];
    });
    expect(stdout).toMatch(/^character special file 1 3 666/);
  });

  promise('the device works', async (runner) => {
    const { stdout } = await runner.run('head -c 3 /dev/mine | od -An -tx1', (config) => {
      config.linux.devices = [{ type: 'c', path: '/dev/mine', major: 1, minor: 5, fileMode: 0o666 }];
    });
    expect(stdout.trim()).toBe('00 00 00');
  });

  promise('a file at the path that is not the device is an error', async (runner) => {
    await runner.refusal((config) => {
      config.linux.devices = [{ type: 'c', path: '/bin/busybox', major: 1, minor: 3, fileMode: 0o666 }];
    });
  });

  promise('a type that does not exist is an error', async (runner) => {
    for (const type of ['x', '', 'cc'])
      await runner.refusal((config) => {
        config.linux.devices = [{ type, path: '/dev/mine', major: 1, minor: 3 }];
      });
  });

  promise('path is required', async (runner) => {
    await runner.refusal((config) => {
      config.linux.devices = [{ type: 'c', major: 1, minor: 3 }];
    });
  });

  operation('in a user namespace, where there is no mknod, the device appears as well', async (runtime) => {
    const { stdout, stderr } = await runtime.run('echo x >/dev/null && stat -c "%F %t %T" /dev/null', (config) => {
      withUserNamespace(config);
    });
    expect({ stdout, stderr }).toEqual({ stdout: 'character special file 1 3\n', stderr: '' });
  });
});

section('config-linux.md#default-devices', ({ promise, operation }) => {
  for (const [name, major, minor] of [
    ['null', 1, 3],
    ['zero', 1, 5],
    ['full', 1, 7],
    ['random', 1, 8],
    ['urandom', 1, 9],
    ['tty', 5, 0],
  ] as const)
    promise(`/dev/${name}`, async (runner) => {
      const { stdout } = await runner.run(`stat -c "%F %t %T %a" /dev/${name}`);
      expect(stdout).toBe(`character special file ${major} ${minor} 666\n`);
    });

  promise("/dev/ptmx is the container's own", async (runner) => {
    const { stdout } = await runner.run('stat -L -c "%d %i" /dev/ptmx /dev/pts/ptmx');
    const [one, other] = stdout.split('\n');
    expect(one).toMatch(/\d/);
    expect(one).toBe(other);
  });

  operation('/dev/console is the terminal, if there is one', async (runtime) => {
    const container = await runtime.prepare('stat -c %F /dev/console; echo written >/dev/console', (config) => {
      config.process.terminal = true;
    });
    const { path } = container.bundle;
    const command = [...runtime.argv, '--root', runtime.stateFolder, 'run', '--bundle', path, container.id].join(' ');
    const { stdout } = await runtime.machine.command(['script', '-qefc', command, '/dev/null']);
    expect(stdout).toMatch(/character special file\r\n.*written\r\n/);
  });

  promise('/dev/console is not there without a terminal', async (runner) => {
    const { status } = await runner.run('[ ! -e /dev/console ]');
    expect(status).toBe(0);
  });
});
