import { expect } from 'vitest';
import { mount } from '../../support/oci-bundle.ts';
import { mountAt } from '../support/facts.ts';
import { section } from '../support/section.ts';

/** What a tmpfs with an option shows in mountinfo: options of the mount and of the file system, with and without. */
const visible: readonly { options: string[]; with?: string[]; without?: string[] }[] = [
  { options: ['ro'], with: ['ro'] },
  { options: ['ro', 'rw'], with: ['rw'], without: ['ro'] },
  { options: ['nosuid'], with: ['nosuid'] },
  { options: ['nosuid', 'suid'], without: ['nosuid'] },
  { options: ['nodev'], with: ['nodev'] },
  { options: ['nodev', 'dev'], without: ['nodev'] },
  { options: ['noexec'], with: ['noexec'] },
  { options: ['noexec', 'exec'], without: ['noexec'] },
  { options: ['noatime'], with: ['noatime'] },
  { options: ['relatime'], with: ['relatime'] },
  { options: ['strictatime'], without: ['relatime', 'noatime'] },
  { options: ['nodiratime'], with: ['nodiratime'] },
  { options: ['nodiratime', 'diratime'], without: ['nodiratime'] },
  { options: ['sync'], with: ['sync'] },
  { options: ['sync', 'async'], without: ['sync'] },
  { options: ['dirsync'], with: ['dirsync'] },
  { options: ['lazytime'], with: ['lazytime'] },
  { options: ['lazytime', 'nolazytime'], without: ['lazytime'] },
  { options: ['nosymfollow'], with: ['nosymfollow'] },
];

/** Accepted without anything to see. */
const accepted = ['defaults', 'atime', 'norelatime', 'nostrictatime', 'iversion', 'noiversion', 'loud', 'silent'];

section('config.md#linux-mount-options', ({ promise, operation }) => {
  for (const { options, with: present = [], without = [] } of visible)
    promise(`a file system with ${options.join(',')}`, async (runner) => {
      const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
        config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', ...options));
      });
      const found = mountAt(stdout, '/m');
      const all = [...found.options, ...found.superOptions];
      for (const option of present) expect(all).toContain(option);
      for (const option of without) expect(all).not.toContain(option);
    });

  for (const option of accepted)
    promise(`${option} is accepted`, async (runner) => {
      const { status, stderr } = await runner.run('true', (config) => {
        config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', option));
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });

  operation('a bind mount takes attributes: ro, nosuid, nodev, noexec', async (runtime) => {
    const { path } = await runtime.bundle('true');
    const { stdout, stderr } = await runtime.run('touch /b/x; cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/b', 'bind', path, 'bind', 'ro', 'nosuid', 'nodev', 'noexec'));
    });
    expect(stderr).toContain('Read-only file system');
    expect(mountAt(stdout, '/b').options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
  });

  for (const [option, expected] of [
    ['private', []],
    ['rprivate', []],
    ['shared', ['shared']],
    ['rshared', ['shared']],
    ['slave', []],
    ['rslave', []],
    ['unbindable', ['unbindable']],
    ['runbindable', ['unbindable']],
  ] as const)
    promise(`propagation of a mount: ${option}`, async (runner) => {
      const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
        config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', option));
      });
      expect(mountAt(stdout, '/m').propagation.map((word) => word.replace(/:\d+$/, ''))).toEqual(expected);
    });

  operation('rbind takes the mounts below with it, bind does not', async (runtime) => {
    const source = await runtime.bundle('true');
    const prepare = `mount -t tmpfs over ${source.path}/data/below && echo below >${source.path}/data/below/file`;
    await runtime.machine.write(`${source.path}/data/below/file`, 'under\n');
    for (const [option, expected] of [
      ['rbind', 'below\n'],
      ['bind', 'under\n'],
    ] as const) {
      const container = await runtime.prepare('cat /b/below/file', (config) => {
        config.mounts.push(mount('/b', 'bind', `${source.path}/data`, option));
      });
      const command = [...runtime.argv, '--root', runtime.stateFolder, 'run', '--bundle', container.bundle.path];
      const script = `${prepare} && exec ${command.join(' ')} ${container.id}`;
      const { stdout } = await runtime.machine.command(['unshare', '--mount', 'sh', '-c', script]);
      expect(stdout, option).toBe(expected);
    }
  });

  operation('remount changes an earlier mount', async (runtime) => {
    const { stdout } = await runtime.run('cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/m', 'tmpfs', 'tmpfs'), mount('/m', 'tmpfs', 'tmpfs', 'remount', 'ro'));
    });
    const { options, superOptions } = mountAt(stdout, '/m');
    expect([...options, ...superOptions]).toContain('ro');
  });

  operation('rro makes the mounts below read-only as well', async (runtime) => {
    const source = await runtime.bundle('true');
    await runtime.machine.write(`${source.path}/data/below/file`, 'under\n');
    const container = await runtime.prepare('touch /b/x; touch /b/below/x; cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/b', 'bind', `${source.path}/data`, 'rbind', 'rro'));
    });
    const command = [...runtime.argv, '--root', runtime.stateFolder, 'run', '--bundle', container.bundle.path];
    const script = `mount -t tmpfs over ${source.path}/data/below && exec ${command.join(' ')} ${container.id}`;
    const { stdout } = await runtime.machine.command(['unshare', '--mount', 'sh', '-c', script]);
    expect(mountAt(stdout, '/b').options).toContain('ro');
    expect(mountAt(stdout, '/b/below').options).toContain('ro');
  });

  for (const option of ['rnosuid', 'rnodev', 'rnoexec', 'rnoatime', 'rnodiratime', 'rnosymfollow'])
    promise(`${option} sets the attribute`, async (runner) => {
      const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
        config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', option));
      });
      expect(mountAt(stdout, '/m').options).toContain(option.slice(1));
    });

  for (const option of ['rrw', 'rsuid', 'rdev', 'rexec', 'rdiratime', 'rrelatime', 'rstrictatime', 'rsymfollow'])
    promise(`${option} is accepted`, async (runner) => {
      const { status, stderr } = await runner.run('true', (config) => {
        config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', option));
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });

  promise('tmpcopyup: a tmpfs starts with what is at its mount point', async (runner) => {
    const { stdout } = await runner.run('ls /bin/busybox; cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/bin', 'tmpfs', 'tmpfs', 'tmpcopyup'));
    });
    expect(stdout).toContain('/bin/busybox\n');
    expect(mountAt(stdout, '/bin').type).toBe('tmpfs');
  });

  promise('unknown options go to the file system', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/mountinfo', (config) => {
      config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', 'size=123k', 'mode=751', 'nr_inodes=77'));
    });
    expect(mountAt(stdout, '/m').superOptions).toEqual(expect.arrayContaining(['mode=751', 'nr_inodes=77']));
  });

  promise('an option that the file system refuses is an error', async (runner) => {
    await runner.refusal((config) => config.mounts.push(mount('/m', 'tmpfs', 'tmpfs', 'no-such-option=1')));
  });
});
